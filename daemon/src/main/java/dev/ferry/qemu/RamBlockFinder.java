package dev.ferry.qemu;

import dev.ferry.memory.RamBlock;
import dev.ferry.qemu.QemuRamBlock.Backing;
import dev.ferry.qemu.QemuRamBlock.Kind;
import dev.ferry.sys.ProcMaps;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;

/** Finds a QEMU's RAM blocks and where they lie in its address space; every address is checked against /proc/PID/maps. */
final class RamBlockFinder {
    /** @param withoutAddress names of blocks that have to travel and cannot be found */
    record Found(List<QemuRamBlock> blocks, List<String> withoutAddress) {}

    private final int pid;
    private final Function<String, String> monitor;
    private final Set<String> memdevs;
    private final List<ProcMaps.Mapping> maps;
    private List<RamBlockTable.Mapped> view = List.of();

    /**
     * @param monitor runs a command of the human monitor
     * @param memdevs ids of query-memdev: what is guest RAM
     */
    RamBlockFinder(int pid, Function<String, String> monitor, Set<String> memdevs) {
        this.pid = pid;
        this.monitor = monitor;
        this.memdevs = new HashSet<>(memdevs);
        this.maps = ProcMaps.read(pid);
    }

    private record Candidate(RamBlockTable.Block block, long guestAddress, boolean guestRam) {}

    Found find() {
        List<RamBlockTable.Block> all = RamBlockTable.blocks(monitor.apply("info ramblock"));
        view = RamBlockTable.flatView(monitor.apply("info mtree -f"));
        List<Candidate> travel = new ArrayList<>();
        for (RamBlockTable.Block block : all) {
            if (block.usedBytes() > 0 && !block.isRebuiltByQemu()) {
                boolean guestRam = memdevs.contains(block.lastName());
                long at = view.stream()
                        .filter(m -> m.lastName().equals(block.lastName()))
                        .mapToLong(RamBlockTable.Mapped::guestAddress)
                        .findFirst()
                        .orElse(Long.MAX_VALUE);
                travel.add(new Candidate(block, at, guestRam));
            }
        }
        // The same order on both sides, whatever the blocks are called there.
        travel.sort(Comparator.comparing((Candidate c) -> !c.guestRam())
                .thenComparing(c -> c.guestRam() ? c.guestAddress() : 0)
                .thenComparing(c -> c.block().name()));
        List<QemuRamBlock> found = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        for (Candidate c : travel) {
            OptionalLong address = address(c.block(), all);
            List<ProcMaps.Mapping> under = address.isPresent()
                    ? mappings(address.getAsLong(), c.block().usedBytes())
                    : List.of();
            if (under.isEmpty()) {
                missing.add(c.block().name());
            } else {
                RamBlock block = new RamBlock(
                        found.size(),
                        c.block().name(),
                        c.block().usedBytes(),
                        c.block().pageSizeBytes(),
                        c.guestRam());
                found.add(new QemuRamBlock(block, address.getAsLong(), backing(under.get(0), address.getAsLong())));
            }
        }
        return new Found(List.copyOf(found), List.copyOf(missing));
    }

    private OptionalLong address(RamBlockTable.Block block, List<RamBlockTable.Block> all) {
        if (block.hostAddress().isPresent()) {
            return block.hostAddress();
        }
        boolean ambiguous =
                all.stream().filter(b -> b.lastName().equals(block.lastName())).count() > 1;
        if (ambiguous) {
            return OptionalLong.empty();
        }
        return view.stream()
                .filter(m -> m.lastName().equals(block.lastName()))
                .findFirst()
                .map(m -> {
                    String said = monitor.apply("gpa2hva 0x" + Long.toHexString(m.guestAddress()));
                    OptionalLong host = RamBlockTable.hostAddress(said);
                    return host.isPresent() ? OptionalLong.of(host.getAsLong() - m.offsetInBlock()) : host;
                })
                .orElse(OptionalLong.empty());
    }

    /** The mappings that cover the block without a gap, all readable and writable; empty if there are none such. */
    private List<ProcMaps.Mapping> mappings(long address, long lengthBytes) {
        List<ProcMaps.Mapping> under = new ArrayList<>();
        long at = address;
        for (ProcMaps.Mapping m : maps) {
            if (m.start() <= at && at < m.end() && m.permissions().startsWith("rw")) {
                under.add(m);
                at = m.end();
                // Not address + length, which a length that is a lie takes beyond the end of numbers.
                if (at - address >= lengthBytes) {
                    return under;
                }
            }
        }
        return List.of();
    }

    private Backing backing(ProcMaps.Mapping mapping, long address) {
        long offset = mapping.offset() + (address - mapping.start());
        if (!mapping.isShared()) {
            return new Backing(Kind.PRIVATE, "", offset, mapping.inode() != 0);
        }
        // Opens the very file that is mapped, whatever its name was or is.
        String path = "/proc/" + pid + "/map_files/" + Long.toHexString(mapping.start()) + "-"
                + Long.toHexString(mapping.end());
        boolean named = !mapping.path().startsWith("/memfd:") && !mapping.path().endsWith(" (deleted)");
        return new Backing(named ? Kind.FILE : Kind.MEMFD, path, offset, false);
    }
}
