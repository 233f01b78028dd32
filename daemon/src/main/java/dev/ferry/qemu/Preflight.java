package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.MemoryRoom;
import dev.ferry.migration.Reason;
import dev.ferry.qemu.QemuRamBlock.Kind;
import dev.ferry.sys.KernelSupport;
import dev.ferry.sys.ProcFs;
import dev.ferry.sys.ProcMaps;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Why a guest cannot leave, or cannot arrive. Reads only. */
public final class Preflight {
    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final int BASE_PAGE_BYTES = 4096;

    /** What one answer to a fault may hold. */
    private static final int LARGEST_PAGE_BYTES = 2 << 20;

    private static final List<String> SOURCE_COMMANDS =
            List.of("stop", "cont", "add-fd", "remove-fd", "getfd", "closefd", "xen-save-devices-state");
    private static final List<String> DESTINATION_COMMANDS =
            List.of("cont", "getfd", "closefd", "migrate-incoming", "migrate-set-capabilities");

    private Preflight() {}

    /** Of a running guest on the source: VFIO, foreign mappers, blocks without address or with huge pages that are too large, missing commands, kernel, privileges. */
    public static List<Reason> source(QemuGuest guest) {
        List<Reason> reasons = new ArrayList<>();
        String status = guest.status();
        if (!status.equals("running")) {
            reasons.add(new Reason(
                    "GUEST_NOT_RUNNING",
                    "guest " + guest.name() + " is " + status
                            + ": only a running guest moves; continue it first (QMP cont)"));
        }
        commands(guest, SOURCE_COMMANDS, reasons);
        for (String block : guest.blocksWithoutAddress()) {
            reasons.add(new Reason(
                    "RAM_BLOCK_WITHOUT_ADDRESS",
                    "QEMU " + guest.version() + " does not tell where RAM block " + block
                            + " lies: remove that device, or run a newer QEMU"));
        }
        for (QemuRamBlock b : guest.blocks()) {
            if (b.block().pageSizeBytes() > LARGEST_PAGE_BYTES) {
                reasons.add(new Reason(
                        "RAM_PAGE_SIZE",
                        "RAM block " + describe(b.block())
                                + ": a fault would wait for all of one; pages of 2 MiB and 4 KiB can be moved"));
            }
        }
        int pid = guest.process().pid();
        if (ProcFs.descriptors(pid).values().stream().anyMatch(t -> t.startsWith("/dev/vfio/"))) {
            reasons.add(new Reason(
                    "VFIO_DEVICE",
                    "guest " + guest.name() + " has a VFIO device: its DMA cannot be tracked; unplug it first"));
        }
        mappers(guest, pid, reasons);
        kernel(KernelSupport.userfaultfd(), reasons);
        kernel(KernelSupport.writeTracking(), reasons);
        kernel(KernelSupport.injection(), reasons);
        return reasons;
    }

    /** Of a host that should take it: memory in ramDir, kernel, emulator, machine type. */
    public static List<Reason> destination(
            HostProfile host, GuestDefinition definition, List<RamBlock> blocks, String qemuVersion, String machine) {
        List<Reason> reasons = new ArrayList<>();
        memory(host, blocks, reasons);
        kernel(KernelSupport.userfaultfd(), reasons);
        kernel(KernelSupport.minorFaults(), reasons);
        kernel(KernelSupport.injection(), reasons);
        try {
            Path emulator = EmulatorFile.of(host, definition);
            EmulatorInfo info = EmulatorInfo.of(emulator);
            if (!info.machines().contains(machine)) {
                reasons.add(new Reason(
                        "MACHINE_UNKNOWN", emulator + " " + info.version() + " has no machine type " + machine));
            }
            if (EmulatorInfo.compareVersions(info.version(), qemuVersion) < 0) {
                reasons.add(new Reason(
                        "QEMU_VERSION_OLDER",
                        emulator + " is " + info.version() + ", the guest's QEMU is " + qemuVersion
                                + ": a guest moves to the same version or a newer one"));
            }
        } catch (FerryException e) {
            boolean there = e.category() == ErrorCategory.PERMISSION_DENIED;
            reasons.add(new Reason(there ? "EMULATOR_NOT_TRUSTED" : "EMULATOR_MISSING", e.getMessage()));
        }
        return reasons;
    }

    /** Of a destination QEMU that is there: incoming state, machine type, block layout. */
    public static List<Reason> incoming(QemuGuest guest, List<RamBlock> sourceBlocks, String machine) {
        List<Reason> reasons = new ArrayList<>();
        int pid = guest.process().pid();
        String status = guest.status();
        List<String> command = ProcFs.commandLine(pid);
        if (!status.equals("inmigrate") || !command.contains("-S") || !command.contains("defer")) {
            reasons.add(new Reason(
                    "GUEST_NOT_INCOMING",
                    "QEMU " + pid + " is " + status
                            + ": start it with -incoming defer -S, so that only Ferry's commit runs it"));
        }
        commands(guest, DESTINATION_COMMANDS, reasons);
        if (!guest.machine().equals(machine)) {
            reasons.add(new Reason(
                    "MACHINE_DIFFERS",
                    "machine type is " + guest.machine() + " here and " + machine + " at the source"));
        }
        layout(guest, sourceBlocks, reasons);
        mappers(guest, pid, reasons);
        return reasons;
    }

    private static void layout(QemuGuest guest, List<RamBlock> source, List<Reason> reasons) {
        List<RamBlock> here = guest.blocks().stream().map(QemuRamBlock::block).toList();
        if (here.size() != source.size() || !guest.blocksWithoutAddress().isEmpty()) {
            reasons.add(new Reason(
                    "BLOCK_LAYOUT_DIFFERS",
                    "RAM blocks here " + names(here) + guest.blocksWithoutAddress() + ", at the source "
                            + names(source)));
            return;
        }
        for (int i = 0; i < here.size(); i++) {
            RamBlock a = here.get(i);
            RamBlock b = source.get(i);
            if (a.lengthBytes() != b.lengthBytes()
                    || a.pageSizeBytes() != b.pageSizeBytes()
                    || a.guestRam() != b.guestRam()) {
                reasons.add(new Reason(
                        "BLOCK_LAYOUT_DIFFERS",
                        "RAM block " + i + " is " + describe(a) + " here and " + describe(b) + " at the source"));
            }
        }
        for (QemuRamBlock block : guest.blocks()) {
            if (block.block().guestRam() && block.backing().kind() == Kind.PRIVATE) {
                reasons.add(new Reason(
                        "RAM_NOT_SHARED",
                        "RAM block " + block.block().name()
                                + " is private memory: an arriving guest needs memory-backend-file,share=on on tmpfs"));
            }
        }
    }

    private static void mappers(QemuGuest guest, int pid, List<Reason> reasons) {
        Set<Long> seen = new HashSet<>();
        Set<Long> starts = new HashSet<>();
        guest.blocks().stream()
                .filter(b -> b.backing().kind() != Kind.PRIVATE)
                .forEach(b -> starts.add(b.hostAddress()));
        for (ProcMaps.Mapping m : ProcMaps.read(pid)) {
            boolean ofRam = starts.stream().anyMatch(a -> m.start() <= a && a < m.end());
            if (ofRam && m.isShared() && seen.add(m.inode())) {
                List<Integer> others = ProcMaps.mappersOf(m.device(), m.inode()).stream()
                        .filter(p -> p != pid)
                        .toList();
                if (!others.isEmpty()) {
                    reasons.add(new Reason(
                            "FOREIGN_MAPPER",
                            "processes " + others + " map the RAM of guest " + guest.name() + " (" + m.path()
                                    + ") too, for example a vhost-user backend: what they write cannot be tracked"));
                }
            }
        }
    }

    private static void commands(QemuGuest guest, List<String> needed, List<Reason> reasons) {
        Set<String> has = new HashSet<>();
        guest.execute("query-commands", null, LIMIT)
                .forEach(c -> has.add(c.path("name").asText()));
        for (String command : needed) {
            if (!has.contains(command)) {
                reasons.add(new Reason(
                        "QMP_COMMAND_MISSING", "QEMU " + guest.version() + " has no QMP command " + command));
            }
        }
    }

    private static void memory(HostProfile host, List<RamBlock> blocks, List<Reason> reasons) {
        long needed = blocks.stream()
                .filter(RamBlock::guestRam)
                .mapToLong(RamBlock::lengthBytes)
                .sum();
        try {
            FileStore store = Files.getFileStore(host.ramDir());
            int pageBytes = store.type().equals("hugetlbfs") ? Math.toIntExact(store.getBlockSize()) : BASE_PAGE_BYTES;
            for (RamBlock block : blocks) {
                if (block.guestRam() && block.pageSizeBytes() != pageBytes) {
                    reasons.add(
                            new Reason(
                                    "RAM_PAGE_SIZE",
                                    "RAM block " + describe(block) + ", but pages of " + (pageBytes >> 10)
                                            + " KiB in ram_dir "
                                            + host.ramDir()
                                            + ": name a file system in ram_dir that has the same, or attach a QEMU there that has"));
                }
            }
            long room = freeBytes(store, pageBytes);
            if (room < needed) {
                reasons.add(new Reason(
                        "DESTINATION_MEMORY",
                        "the guest needs " + (needed >> 20) + " MiB in " + host.ramDir() + ", " + (room >> 20)
                                + " MiB are free"));
            }
        } catch (IOException e) {
            reasons.add(new Reason("DESTINATION_MEMORY", "ram_dir " + host.ramDir() + " cannot be used: " + e));
        }
    }

    /** What is free for the RAM of arriving guests; of huge pages all of a guest's are taken when it is mapped. */
    public static MemoryRoom room(HostProfile host) {
        try {
            FileStore store = Files.getFileStore(host.ramDir());
            boolean huge = store.type().equals("hugetlbfs");
            int pageBytes = huge ? Math.toIntExact(store.getBlockSize()) : BASE_PAGE_BYTES;
            return new MemoryRoom(freeBytes(store, pageBytes), huge);
        } catch (IOException e) {
            throw new FerryException(
                    ErrorCategory.RESOURCE_EXHAUSTED, "ram_dir " + host.ramDir() + " cannot be used: " + e, e);
        }
    }

    private static long freeBytes(FileStore store, int pageBytes) throws IOException {
        return pageBytes == BASE_PAGE_BYTES
                ? Math.min(store.getUsableSpace(), ProcFs.memoryAvailableBytes())
                : hugePagesBytes(store, pageBytes);
    }

    /** Of the pool, which is no part of the available memory; a hugetlbfs without a limit of its own says that it has 0 bytes. */
    private static long hugePagesBytes(FileStore store, int pageBytes) throws IOException {
        Path pool = Path.of("/sys/kernel/mm/hugepages/hugepages-" + (pageBytes >> 10) + "kB");
        long free = count(pool, "free_hugepages") - count(pool, "resv_hugepages");
        long more = count(pool, "nr_overcommit_hugepages") - count(pool, "surplus_hugepages");
        long bytes = free * pageBytes + Math.min(Math.max(0, more) * pageBytes, ProcFs.memoryAvailableBytes());
        return store.getTotalSpace() > 0 ? Math.min(store.getUsableSpace(), bytes) : bytes;
    }

    private static long count(Path pool, String file) throws IOException {
        return Long.parseLong(Files.readString(pool.resolve(file)).strip());
    }

    private static void kernel(KernelSupport.Probe probe, List<Reason> reasons) {
        probe.cause()
                .ifPresent(cause ->
                        reasons.add(new Reason("KERNEL_FEATURE_MISSING", probe.feature() + ": " + cause.getMessage())));
    }

    private static String names(List<RamBlock> blocks) {
        return blocks.stream().map(Preflight::describe).toList().toString();
    }

    private static String describe(RamBlock b) {
        return b.name() + " " + (b.lengthBytes() >> 10) + " KiB in pages of " + (b.pageSizeBytes() >> 10) + " KiB";
    }
}
