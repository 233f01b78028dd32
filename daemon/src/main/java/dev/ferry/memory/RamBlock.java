package dev.ferry.memory;

/**
 * One of QEMU's RAM blocks, as both sides of a migration know it.
 *
 * @param index the block's number in every message of this migration
 * @param name QEMU's name for it, for people; the two sides may differ in it
 * @param lengthBytes a multiple of the page size
 * @param pageSizeBytes the backing's page size: 4 KiB, 2 MiB or 1 GiB
 * @param guestRam true: main memory, may arrive after the switch; false: firmware, ROM, video memory: complete before it
 */
public record RamBlock(int index, String name, long lengthBytes, int pageSizeBytes, boolean guestRam) {
    public RamBlock {
        if (index < 0 || pageSizeBytes < 4096 || Integer.bitCount(pageSizeBytes) != 1) {
            throw new IllegalArgumentException(
                    "RAM block " + name + ": index " + index + ", page size " + pageSizeBytes);
        }
        if (lengthBytes <= 0 || lengthBytes % pageSizeBytes != 0) {
            throw new IllegalArgumentException(
                    "RAM block " + name + ": length " + lengthBytes + " is not a whole number of pages");
        }
    }

    public long pageCount() {
        return lengthBytes / pageSizeBytes;
    }

    /** Byte offset of a page in the block. */
    public long offsetOf(long page) {
        return Math.multiplyExact(page, (long) pageSizeBytes);
    }

    /** The page that holds the byte at this offset of the block. */
    public long pageAt(long offsetBytes) {
        return offsetBytes / pageSizeBytes;
    }

    /** Whether the range lies within the block; anything a peer says is checked by this before it is used. */
    public boolean contains(long firstPage, long pages) {
        return firstPage >= 0 && pages > 0 && pages <= pageCount() && firstPage <= pageCount() - pages;
    }
}
