package dev.ferry.migration;

import dev.ferry.memory.RamBlock;
import java.util.List;

/**
 * What a source tells a destination about a guest before it comes.
 *
 * @param definitionJson how to start its QEMU
 * @param machine versioned machine type
 * @param blocks the source's RAM blocks, by index
 * @param source the source's name for itself
 * @param lostPages when they can no longer be had
 * @param reservation of memory at the destination; empty: none
 */
public record IncomingSpec(
        long migration,
        long epoch,
        String guest,
        String definitionJson,
        String qemuVersion,
        String machine,
        List<RamBlock> blocks,
        String source,
        LostPagePolicy lostPages,
        String reservation) {

    public IncomingSpec(
            long migration,
            long epoch,
            String guest,
            String definitionJson,
            String qemuVersion,
            String machine,
            List<RamBlock> blocks,
            String source,
            LostPagePolicy lostPages) {
        this(migration, epoch, guest, definitionJson, qemuVersion, machine, blocks, source, lostPages, "");
    }

    /** Of guest RAM. */
    public long memoryBytes() {
        return blocks.stream()
                .filter(RamBlock::guestRam)
                .mapToLong(RamBlock::lengthBytes)
                .sum();
    }
}
