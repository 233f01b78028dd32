package dev.ferry.pager;

import dev.ferry.base.NanoClock;
import dev.ferry.migration.FaultPoints;
import dev.ferry.qemu.GuestDefinition;
import dev.ferry.qemu.GuestLauncher;
import dev.ferry.qemu.GuestRegistry;
import dev.ferry.qemu.HostProfile;
import dev.ferry.qemu.QemuGuest;
import dev.ferry.qemu.QemuStarter;
import dev.ferry.sys.ProcFs;
import dev.ferry.sys.RemoteUserfaultfd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Real QEMUs (TCG, no disk) and what ferryd has around them. None is left on close. */
final class Qemus implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    final Path directory;
    final GuestLauncher launcher;
    final GuestRegistry registry;
    final QemuGuestHost host;
    private final List<Integer> pids = new ArrayList<>();

    Qemus() throws IOException {
        directory = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-pager");
        HostProfile profile =
                new HostProfile(directory.resolve("guests"), directory.resolve("ram"), "", "", Map.of(), Map.of());
        Files.createDirectories(profile.ramDir());
        launcher = new GuestLauncher(profile, QemuStarter.choose(Map.of(), 0));
        registry = new GuestRegistry(directory.resolve("state"), launcher);
        host = new QemuGuestHost(
                registry,
                launcher,
                profile,
                directory.resolve("migrations"),
                DescriptorStore.NONE,
                NanoClock.system(),
                FaultPoints.NONE);
    }

    private static String toml(String name) {
        return "name = \"" + name + "\"\naccel = \"tcg\"\nmemory = \"64MiB\"\n"
                + "args = [\"-display\", \"none\", \"-nodefaults\"]\n";
    }

    /** In the registry, running, with private memory. */
    QemuGuest run(String name) {
        registry.run(toml(name), name);
        QemuGuest guest = registry.guest(name);
        pids.add(guest.process().pid());
        return guest;
    }

    GuestLauncher.Incoming startIncoming(String name) {
        GuestLauncher.Incoming started = launcher.startIncoming(GuestDefinition.fromToml(toml(name), name), "test");
        pids.add(started.guest().process().pid());
        return started;
    }

    /** Descriptors of the process that are userfaultfds. */
    static long userfaultfds(QemuGuest guest) {
        return ProcFs.descriptors(guest.process().pid()).values().stream()
                .filter(RemoteUserfaultfd::isOne)
                .count();
    }

    /** Mappings of the process that are registered with some userfaultfd: um, uw or ui in VmFlags. */
    static long registeredMappings(QemuGuest guest) throws IOException {
        try (Stream<String> lines =
                Files.lines(Path.of("/proc/" + guest.process().pid() + "/smaps"))) {
            return lines.filter(l -> l.startsWith("VmFlags:") && l.matches(".* u[mwi]( .*|$)"))
                    .count();
        }
    }

    @Override
    public void close() throws Exception {
        for (int pid : pids) {
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        }
        for (int pid : pids) {
            try (var process = dev.ferry.sys.PidFd.open(pid)) {
                process.awaitExit(LIMIT.toMillis());
            } catch (dev.ferry.base.FerryException e) {
                // It has ended and is gone already.
            }
        }
        registry.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }
}
