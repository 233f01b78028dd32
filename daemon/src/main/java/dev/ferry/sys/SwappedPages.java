package dev.ferry.sys;

import java.nio.ByteBuffer;

/**
 * Tells swapped pages from write-protect markers. Protecting a page that was never touched leaves a marker in its place, a
 * swap entry of the kernel's last type, and PAGEMAP_SCAN calls that swapped; /proc/PID/pagemap tells the type.
 */
final class SwappedPages {
    private static final int ENTRY_BYTES = 8;
    private static final int ENTRIES = 8192;
    /** Bits 0 to 4 of a swapped page's entry: which swap it is in. */
    private static final int TYPE_MASK = 0x1F;
    /** SWP_PTE_MARKER (include/linux/swap.h): always the last of the 32. */
    private static final int MARKER_TYPE = 31;

    private final Fd pagemap;
    private final ByteBuffer entries = NativeBuffer.allocate(ENTRIES * ENTRY_BYTES);
    private final long entriesAddress = NativeBuffer.address(entries);

    SwappedPages(Fd pagemap) {
        this.pagemap = pagemap;
    }

    /** The runs of [start, end), which PAGEMAP_SCAN calls swapped, that are more than markers. */
    void find(long startAddress, long endAddress, Pagemap.RegionConsumer consumer) {
        for (long at = startAddress; at < endAddress; ) {
            long wanted = Math.min(ENTRIES, (endAddress - at) / PageSize.BASE) * ENTRY_BYTES;
            long offset = at / PageSize.BASE * ENTRY_BYTES;
            long count = pagemap.call(Syscalls.PREAD64, entriesAddress, wanted, offset);
            Syscalls.check(count, "read(pagemap)");
            if (count == 0) {
                throw new SysException("read(pagemap)", Errno.ESRCH);
            }
            for (int i = 0; i < count; i += ENTRY_BYTES, at += PageSize.BASE) {
                if ((entries.getLong(i) & TYPE_MASK) != MARKER_TYPE) {
                    consumer.accept(at, at + PageSize.BASE);
                }
            }
        }
    }
}
