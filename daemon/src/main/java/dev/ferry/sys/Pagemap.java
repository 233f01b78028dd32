package dev.ferry.sys;

import java.nio.ByteBuffer;

/**
 * /proc/PID/pagemap and ioctl(PAGEMAP_SCAN). Source: Documentation/admin-guide/mm/pagemap.rst. One thread at a time.
 *
 * <p>Sees what the process and the kernel on its behalf write through its own page tables: not another process's mapping of
 * the same file, and not a device's DMA.
 */
public final class Pagemap implements AutoCloseable {
    /** 48 KiB: enough for 16 MiB in the worst case, every other page written. */
    private static final int REGIONS = 2048;

    private static final int ENTRY_BYTES = 8;

    private final int pid;
    private final Fd fd;
    private final ByteBuffer argument = NativeBuffer.allocate(PagemapAbi.ARGUMENT_SIZE);
    private final long argumentAddress = NativeBuffer.address(argument);
    private final ByteBuffer regions = NativeBuffer.allocate(REGIONS * PagemapAbi.REGION_SIZE);
    private final long regionsAddress = NativeBuffer.address(regions);

    private Pagemap(int pid, Fd fd) {
        this.pid = pid;
        this.fd = fd;
    }

    /** NOT_FOUND: no such process. */
    public static Pagemap open(int pid) {
        return new Pagemap(pid, Fd.open("/proc/" + pid + "/pagemap", 0, 0));
    }

    /** Receives runs of addresses, in order: [start, end). Runs that touch are joined. */
    @FunctionalInterface
    public interface RegionConsumer {
        void accept(long startAddress, long endAddress);
    }

    @FunctionalInterface
    private interface CategorizedRegion {
        void accept(long startAddress, long endAddress, long categories);
    }

    /**
     * Everything written in [start, end) since it was protected, and protects it again in the same step
     * (PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC, PAGE_IS_WRITTEN). The whole range must be registered with WP_ASYNC.
     * Continues until the end, however many runs there are. ESRCH: the process has ended, its last writes are unknown.
     *
     * <p>Never too little, at times too much: a page that was never protected is reported once whether it exists or not, and so
     * is one whose private memory was discarded. Protect first by {@link Userfaultfd#writeProtect}: where only this call did,
     * the first write to a huge page of tmpfs counts for all of it. What was reported is protected again: a consumer that
     * throws loses it.
     */
    public void harvestWritten(long startAddress, long endAddress, RegionConsumer consumer) {
        argument.putLong(PagemapAbi.FLAGS, PagemapAbi.PM_SCAN_WP_MATCHING | PagemapAbi.PM_SCAN_CHECK_WPASYNC)
                .putLong(PagemapAbi.CATEGORY_INVERTED, 0)
                // WRITTEN and nothing else in both masks: the kernel's fast path, which also reports (and protects by a
                // marker) what has no page table entry any more. With other masks such a page is passed over.
                .putLong(PagemapAbi.CATEGORY_MASK, PagemapAbi.PAGE_IS_WRITTEN)
                .putLong(PagemapAbi.CATEGORY_ANYOF_MASK, 0)
                .putLong(PagemapAbi.RETURN_MASK, PagemapAbi.PAGE_IS_WRITTEN);
        RunJoiner runs = new RunJoiner(consumer);
        scan(startAddress, endAddress, (start, end, categories) -> runs.add(start, end));
        runs.flush();
    }

    /**
     * Pages that are present or swapped and not the zero page: what a private mapping really has. Right also where the range is
     * write-protected, if this process may see page frame numbers (CAP_SYS_ADMIN); otherwise protected pages count as there.
     *
     * <p>Not for shared files: a page table knows what this process touched and not what the file has, and protecting a huge
     * page of tmpfs even unmaps it. Ask {@link RamFile#populated}.
     */
    public void populated(long startAddress, long endAddress, RegionConsumer consumer) {
        argument.putLong(PagemapAbi.FLAGS, 0)
                .putLong(PagemapAbi.CATEGORY_INVERTED, PagemapAbi.PAGE_IS_PFNZERO)
                .putLong(PagemapAbi.CATEGORY_MASK, PagemapAbi.PAGE_IS_PFNZERO)
                .putLong(PagemapAbi.CATEGORY_ANYOF_MASK, PagemapAbi.PAGE_IS_PRESENT | PagemapAbi.PAGE_IS_SWAPPED)
                .putLong(PagemapAbi.RETURN_MASK, PagemapAbi.PAGE_IS_SWAPPED | PagemapAbi.PAGE_IS_PRESENT);
        RunJoiner runs = new RunJoiner(consumer);
        SwappedPages swapped = new SwappedPages(fd);
        scan(startAddress, endAddress, (start, end, categories) -> {
            if ((categories & PagemapAbi.PAGE_IS_SWAPPED) != 0) {
                swapped.find(start, end, runs::add);
            } else {
                runs.add(start, end);
            }
        });
        runs.flush();
    }

    /** What the page tables have an entry for, page, zero page, swapped page or marker: costs next to nothing where there is none. */
    void occupied(long startAddress, long endAddress, RegionConsumer consumer) {
        argument.putLong(PagemapAbi.FLAGS, 0)
                .putLong(PagemapAbi.CATEGORY_INVERTED, 0)
                .putLong(PagemapAbi.CATEGORY_MASK, 0)
                .putLong(PagemapAbi.CATEGORY_ANYOF_MASK, PagemapAbi.PAGE_IS_PRESENT | PagemapAbi.PAGE_IS_SWAPPED)
                .putLong(PagemapAbi.RETURN_MASK, PagemapAbi.PAGE_IS_PRESENT);
        scan(startAddress, endAddress, (start, end, categories) -> consumer.accept(start, end));
    }

    private void scan(long startAddress, long endAddress, CategorizedRegion found) {
        argument.putLong(PagemapAbi.SIZE, PagemapAbi.ARGUMENT_SIZE)
                .putLong(PagemapAbi.END, endAddress)
                .putLong(PagemapAbi.VECTOR, regionsAddress)
                .putLong(PagemapAbi.VECTOR_LENGTH, REGIONS)
                .putLong(PagemapAbi.MAX_PAGES, 0);
        long at = startAddress;
        while (at < endAddress) {
            argument.putLong(PagemapAbi.START, at);
            long count = fd.call(Syscalls.IOCTL, PagemapAbi.PAGEMAP_SCAN, argumentAddress, 0);
            if (count < 0) {
                throw Syscalls.failure(scanned(at, endAddress), count);
            }
            for (int offset = 0; offset < count * PagemapAbi.REGION_SIZE; offset += PagemapAbi.REGION_SIZE) {
                found.accept(
                        regions.getLong(offset + PagemapAbi.REGION_START),
                        regions.getLong(offset + PagemapAbi.REGION_END),
                        regions.getLong(offset + PagemapAbi.REGION_CATEGORIES));
            }
            // With a full vector the kernel stops early and says where. Standing still would be an endless loop.
            long walkEnd = argument.getLong(PagemapAbi.WALK_END);
            if (walkEnd <= at) {
                throw new SysException(scanned(at, endAddress) + " stood still", Errno.EIO);
            }
            at = walkEnd;
        }
        requireProcess(startAddress, endAddress);
    }

    /** A scan of an ended process finds nothing and says no word; reading the pagemap answers end-of-file then. */
    private void requireProcess(long startAddress, long endAddress) {
        long offset = startAddress / PageSize.BASE * ENTRY_BYTES;
        if (fd.call(Syscalls.PREAD64, argumentAddress, ENTRY_BYTES, offset) == 0) {
            throw new SysException(scanned(startAddress, endAddress), Errno.ESRCH);
        }
    }

    private String scanned(long startAddress, long endAddress) {
        String range = Long.toHexString(startAddress) + "-" + Long.toHexString(endAddress);
        return "ioctl(PAGEMAP_SCAN, pid " + pid + ", " + range + ")";
    }

    @Override
    public void close() {
        fd.close();
    }
}
