package dev.ferry.qemu;

import java.util.ArrayList;
import java.util.List;

/** setsid(1). QEMU inherits what the daemon has: its control group, capabilities, limits. */
final class OwnSession implements QemuStarter {
    @Override
    public List<String> command(Start start) {
        List<String> command = new ArrayList<>(List.of("setsid", "--fork"));
        command.addAll(start.shell());
        return command;
    }
}
