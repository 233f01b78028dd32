package dev.ferry.qemu;

import dev.ferry.memory.RamBlock;

/**
 * A RAM block and where it lies.
 *
 * @param hostAddress in QEMU's address space
 * @param backing what is mapped there
 */
public record QemuRamBlock(RamBlock block, long hostAddress, Backing backing) {

    /** What kind of memory a block is made of. */
    public enum Kind {
        /** MAP_PRIVATE, the default of every QEMU: read by process_vm_readv; gone when QEMU ends. */
        PRIVATE,
        /** A shared memfd: opened through /proc/PID/fd. */
        MEMFD,
        /** A shared named file on tmpfs or hugetlbfs. */
        FILE
    }

    /**
     * @param openPath a path that opens the file here (the file's own, or /proc/PID/fd/N for a memfd); empty for PRIVATE
     * @param offsetBytes where the block begins in the file
     * @param readsFile a PRIVATE mapping of a file (memory-backend-file,share=off): a page that is not populated reads as the
     *     file's content, not as zero
     */
    public record Backing(Kind kind, String openPath, long offsetBytes, boolean readsFile) {}
}
