package dev.ferry.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A transient service of systemd, which makes the process: nothing of the daemon's sandbox is inherited, and the guest has a control
 * group of its own. A site changes all of them by drop-ins in ferry-guest-.service.d. systemd-run(1) talks to systemd over
 * /run/systemd/private, which is open to root without any capability.
 */
final class OwnUnit implements QemuStarter {
    static final String PREFIX = "ferry-guest-";
    static final String SLICE = "ferry-guests.slice";

    private static final Path KVM = Path.of("/dev/kvm");

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
            "DevicePolicy=closed",
            "DeviceAllow=block-* rw");

    private static final List<String> ROOT = List.of("--property=CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_IPC_LOCK");

    private static final List<String> DEVICES =
            List.of(KVM.toString(), "/dev/net/tun", "/dev/vhost-net", "/dev/vhost-vsock");

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
        command.addAll(start.user().map(user -> as(user, start)).orElse(ROOT));
        // systemd warns about each one that is missing.
        DEVICES.stream()
                .filter(device -> Files.exists(Path.of(device)))
                .forEach(device -> command.add("--property=DeviceAllow=" + device + " rw"));
        command.add("--");
        start.shell().stream().map(OwnUnit::literal).forEach(command::add);
        return command;
    }

    /** systemd gives it the files: the daemon may not. The groups are the user's, and whoever may use KVM. */
    private static List<String> as(QemuUser user, Start start) {
        String files = start.owned().stream().map(OwnUnit::quoted).collect(Collectors.joining(" "));
        List<String> properties = new ArrayList<>(List.of(
                "--property=User=" + user.name(),
                "--property=CapabilityBoundingSet=",
                "--property=ExecStartPre=+/bin/chown -R " + user.name() + ":" + user.group() + " -- " + files));
        groupOf(KVM).ifPresent(group -> properties.add("--property=SupplementaryGroups=" + group));
        return properties;
    }

    private static Optional<Integer> groupOf(Path device) {
        try {
            return Optional.of((Integer) Files.getAttribute(device, "unix:gid")).filter(group -> group != 0);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** One word of a command in a property. */
    private static String quoted(String argument) {
        return '"' + literal(argument.replace("\\", "\\\\").replace("\"", "\\\"")) + '"';
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
