package dev.ferry.sys;

import java.nio.ByteBuffer;

/**
 * A userfaultfd, made here or duplicated out of another process: all addresses are of the address space that made it.
 * Thread-safe: every method is one system call.
 * Source: ioctl_userfaultfd(2), Documentation/admin-guide/mm/userfaultfd.rst.
 */
public final class Userfaultfd implements AutoCloseable {
    public static final long MODE_MISSING = 1;
    public static final long MODE_WP = 2;
    public static final long MODE_MINOR = 4;

    public static final long FEATURE_MISSING_HUGETLBFS = 1L << 4;
    public static final long FEATURE_MISSING_SHMEM = 1L << 5;
    public static final long FEATURE_THREAD_ID = 1L << 8;
    public static final long FEATURE_MINOR_HUGETLBFS = 1L << 9;
    public static final long FEATURE_MINOR_SHMEM = 1L << 10;
    public static final long FEATURE_WP_HUGETLBFS_SHMEM = 1L << 12;
    public static final long FEATURE_WP_UNPOPULATED = 1L << 13;
    public static final long FEATURE_WP_ASYNC = 1L << 15;

    /** Takes ownership of a userfaultfd descriptor. */
    public Userfaultfd(Fd fd) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** UFFDIO_API with exactly these features; returns every feature that the kernel has. Once per userfaultfd. */
    public long api(long features) {
        throw new UnsupportedOperationException("skeleton");
    }

    public void register(long address, long lengthBytes, long modes) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Also wakes every waiter in the range. */
    public void unregister(long address, long lengthBytes) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Protects or (false) unprotects the range, EAGAIN retried. */
    public void writeProtect(long address, long lengthBytes, boolean protect) {
        throw new UnsupportedOperationException("skeleton");
    }

    /**
     * Maps pages that are in the page cache already and wakes. Returns bytes done: {@code lengthBytes}, or less where it
     * stopped at a page that somebody mapped before (EEXIST) or at a retry (EAGAIN); negative: −errno at the first page.
     */
    public long continueRange(long address, long lengthBytes) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** UFFDIO_ZEROPAGE; same answer as {@link #continueRange}. */
    public long zeroPage(long address, long lengthBytes) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** UFFDIO_COPY from an address of this process; same answer as {@link #continueRange}. */
    public long copy(long address, long sourceAddress, long lengthBytes) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Wakes every thread waiting in the range; each faults again if its page is still not mapped. */
    public void wake(long address, long lengthBytes) {
        throw new UnsupportedOperationException("skeleton");
    }

    /**
     * Waits for events and reads as many as fit (struct uffd_msg, 32 bytes each), without allocating.
     *
     * @param into direct buffer; filled from index 0
     * @param timeoutMs poll limit; −1: none
     * @param wakeFd another descriptor (an eventfd) that ends the wait when readable; −1: none
     * @return number of events; 0: limit passed or woken; −1: the process is gone (POLLHUP / POLLERR)
     */
    public int readEvents(ByteBuffer into, int timeoutMs, int wakeFd) {
        throw new UnsupportedOperationException("skeleton");
    }

    public static int eventType(ByteBuffer events, int index) {
        throw new UnsupportedOperationException("skeleton");
    }

    public static final int EVENT_PAGEFAULT = 0x12;

    /** UFFD_PAGEFAULT_FLAG_WRITE 1, _WP 2, _MINOR 4. */
    public static long pagefaultFlags(ByteBuffer events, int index) {
        throw new UnsupportedOperationException("skeleton");
    }

    public static long pagefaultAddress(ByteBuffer events, int index) {
        throw new UnsupportedOperationException("skeleton");
    }

    public Fd fd() {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("skeleton");
    }
}
