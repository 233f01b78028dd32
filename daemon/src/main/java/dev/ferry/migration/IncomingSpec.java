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
 * @param identity the names, with commas between, that the source has proven to have; empty: nobody has to prove anything
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
        String reservation,
        String identity) {

    /** Without a reservation. */
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
        this(migration, epoch, guest, definitionJson, qemuVersion, machine, blocks, source, lostPages, "", "");
    }

    /** From a source that has not proven who it is. */
    public IncomingSpec(
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
        this(migration, epoch, guest, definitionJson, qemuVersion, machine, blocks, source, lostPages, reservation, "");
    }

    /** The same, of a source that has proven to be this one. */
    public IncomingSpec of(String proven) {
        return new IncomingSpec(
                migration,
                epoch,
                guest,
                definitionJson,
                qemuVersion,
                machine,
                blocks,
                source,
                lostPages,
                reservation,
                proven);
    }

    /** Of guest RAM. */
    public long memoryBytes() {
        return blocks.stream()
                .filter(RamBlock::guestRam)
                .mapToLong(RamBlock::lengthBytes)
                .sum();
    }
}
