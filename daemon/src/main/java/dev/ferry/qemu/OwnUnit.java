package dev.ferry.qemu;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A transient service of systemd, which makes the process: nothing of the daemon's sandbox is inherited, and the guest has a control
 * group of its own. A site changes all of them by drop-ins in ferry-guest-.service.d. systemd-run(1) talks to systemd over
 * /run/systemd/private, which is open to root without any capability.
 */
final class OwnUnit implements QemuStarter {
    static final String PREFIX = "ferry-guest-";
    static final String SLICE = "ferry-guests.slice";

    /** What a QEMU needs, not what the daemon needs. */
    private static final List<String> PROPERTIES = List.of(
            "Type=exec",
            // QEMU is ended by SIGKILL when its guest has left: that is no failure.
            "SuccessExitStatus=SIGKILL",
            "TimeoutStopSec=20",
            "LimitNOFILE=65536",
            "LimitMEMLOCK=infinity",
            // The guest's memory is in its core.
            "LimitCORE=0",
            "UMask=0077",
            "CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_IPC_LOCK",
            "DevicePolicy=closed",
            "DeviceAllow=block-* rw");

    private static final List<String> DEVICES =
            List.of("/dev/kvm", "/dev/net/tun", "/dev/vhost-net", "/dev/vhost-vsock");

    @Override
    public List<String> command(Start start) {
        List<String> command = new ArrayList<>(List.of(
                "systemd-run",
                "--quiet",
                "--collect",
                "--no-ask-password",
                "--unit=" + unit(start),
                "--slice=" + SLICE,
                "--description=Ferry guest " + start.guest()));
        PROPERTIES.forEach(property -> command.add("--property=" + property));
        // systemd warns about each one that is missing.
        DEVICES.stream()
                .filter(device -> Files.exists(Path.of(device)))
                .forEach(device -> command.add("--property=DeviceAllow=" + device + " rw"));
        command.add("--");
        start.shell().stream().map(OwnUnit::literal).forEach(command::add);
        return command;
    }

    /** Every character that a guest's name may have may be in a unit's. Two daemons may each have a guest of this name. */
    private static String unit(Start start) {
        return PREFIX + start.guest() + "-" + start.id() + ".service";
    }

    /** systemd puts values of variables into a service's command line; specifiers are for unit files only. systemd.service(5). */
    private static String literal(String argument) {
        return argument.replace("$", "$$");
    }
}
