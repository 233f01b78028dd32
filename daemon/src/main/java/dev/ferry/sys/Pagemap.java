package dev.ferry.sys;

/** /proc/PID/pagemap and ioctl(PAGEMAP_SCAN). Source: Documentation/admin-guide/mm/pagemap.rst. One thread at a time. */
public final class Pagemap implements AutoCloseable {
    public static Pagemap open(int pid) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Receives runs of addresses, in order: [start, end). */
    @FunctionalInterface
    public interface RegionConsumer {
        void accept(long startAddress, long endAddress);
    }

    /**
     * Everything written in [start, end) since it was protected, and protects it again in the same step
     * (PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC, PAGE_IS_WRITTEN). The whole range must be registered with WP_ASYNC.
     * Continues until the end, however many runs there are.
     */
    public void harvestWritten(long startAddress, long endAddress, RegionConsumer consumer) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Pages that are present or swapped and not the zero page: what a private mapping really has. */
    public void populated(long startAddress, long endAddress, RegionConsumer consumer) {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("skeleton");
    }
}
