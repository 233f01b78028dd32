package dev.ferry.qemu;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** setsid(1). QEMU inherits what the daemon has: its control group, capabilities, limits. */
final class OwnSession implements QemuStarter {
    @Override
    public List<String> command(Start start) {
        List<String> command = new ArrayList<>();
        start.user().ifPresent(user -> {
            List<String> owned = start.owned();
            String files = IntStream.rangeClosed(1, owned.size())
                    .mapToObj(i -> "\"${" + i + "}\"")
                    .collect(Collectors.joining(" "));
            String script = "chown -R \"$0\" -- " + files + " && shift " + owned.size() + " && exec \"$@\"";
            command.addAll(List.of("/bin/sh", "-c", script, user.name() + ":" + user.group()));
            command.addAll(owned);
        });
        command.addAll(List.of("setsid", "--fork"));
        start.user()
                .ifPresent(user -> command.addAll(List.of(
                        "setpriv",
                        "--reuid=" + user.name(),
                        "--regid=" + user.group(),
                        "--init-groups",
                        "--inh-caps=-all")));
        command.addAll(start.shell());
        return command;
    }
}
