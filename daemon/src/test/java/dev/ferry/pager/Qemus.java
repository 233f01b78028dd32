package dev.ferry.pager;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.base.NanoClock;
import dev.ferry.migration.FaultPoints;
import dev.ferry.qemu.GuestDefinition;
import dev.ferry.qemu.GuestLauncher;
import dev.ferry.qemu.GuestRegistry;
import dev.ferry.qemu.HostProfile;
import dev.ferry.qemu.QemuGuest;
import dev.ferry.qemu.QemuRamBlock;
import dev.ferry.qemu.QemuStarter;
import dev.ferry.sys.NativeBuffer;
import dev.ferry.sys.ProcFs;
import dev.ferry.sys.ProcessMemory;
import dev.ferry.sys.RemoteSyscall;
import dev.ferry.sys.RemoteUserfaultfd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
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
    private static final int PAGE = 4096;
    private static final int CLOSE = 3;
    private static final int MMAP = 9;
    private static final int OPENAT = 257;
    private static final int O_RDWR = 2;
    private static final int READ = 1;
    private static final int WRITE = 2;
    private static final int SHARED = 1;
    private static final int PRIVATE = 2;
    private static final int FIXED = 0x10;
    private static final int ANONYMOUS = 0x20;

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

    /** As a QEMU that was taken over can: whatever it may open, instead of what it had at this address. */
    static void mapOver(QemuGuest guest, QemuRamBlock block, Path file, boolean writable) {
        long length = block.block().lengthBytes();
        try (RemoteSyscall remote = RemoteSyscall.attach(guest.process().pid())) {
            long name = successful(remote.call(MMAP, 0, PAGE, READ | WRITE, PRIVATE | ANONYMOUS, -1, 0));
            ByteBuffer text = NativeBuffer.allocate(PAGE);
            text.put(file.toString().getBytes(StandardCharsets.UTF_8));
            ProcessMemory.write(guest.process().pid(), name, NativeBuffer.address(text), PAGE);
            long fd = successful(remote.call(OPENAT, 0, name, writable ? O_RDWR : 0, 0, 0, 0));
            int protection = writable ? READ | WRITE : READ;
            successful(remote.call(MMAP, block.hostAddress(), length, protection, SHARED | FIXED, fd, 0));
            successful(remote.call(CLOSE, fd, 0, 0, 0, 0, 0));
        }
    }

    private static long successful(long result) {
        assertThat(result).isNotNegative();
        return result;
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
