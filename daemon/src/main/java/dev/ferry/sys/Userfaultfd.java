package dev.ferry.sys;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

/**
 * A userfaultfd, made here or duplicated out of another process: all addresses are of the address space that made it.
 * Thread-safe: every method is one system call (reading events: poll and read).
 * Source: ioctl_userfaultfd(2), Documentation/admin-guide/mm/userfaultfd.rst.
 */
public final class Userfaultfd implements AutoCloseable {
    public static final long MODE_MISSING = 1;
    public static final long MODE_WP = 2;
    public static final long MODE_MINOR = 4;

    /** Somebody discarded pages (madvise, hole punching by that process): {@link #EVENT_REMOVE}, and the discarder waits. */
    public static final long FEATURE_EVENT_REMOVE = 1L << 3;

    public static final long FEATURE_MISSING_HUGETLBFS = 1L << 4;
    public static final long FEATURE_MISSING_SHMEM = 1L << 5;
    public static final long FEATURE_THREAD_ID = 1L << 8;
    public static final long FEATURE_MINOR_HUGETLBFS = 1L << 9;
    public static final long FEATURE_MINOR_SHMEM = 1L << 10;
    public static final long FEATURE_WP_HUGETLBFS_SHMEM = 1L << 12;
    public static final long FEATURE_WP_UNPOPULATED = 1L << 13;
    public static final long FEATURE_WP_ASYNC = 1L << 15;

    public static final int EVENT_PAGEFAULT = 0x12;
    public static final int EVENT_REMOVE = 0x15;
    /** struct uffd_msg. */
    public static final int EVENT_SIZE_BYTES = UffdAbi.MESSAGE_SIZE;

    private static final int F_SETFL = 4;
    private static final long WRITEPROTECT_MODE_WP = 1;

    /** The kernel tells nobody that the process behind a userfaultfd has ended, so waiting asks this often. */
    private static final int GONE_CHECK_MS = 500;

    /** Valid to ask about, never registered: the last page of 47-bit x86-64 address space, at best somebody's stack. */
    private static final long NEVER_REGISTERED = 0x7FFF_FFFF_E000L;

    private final Fd fd;

    /** Takes ownership of a userfaultfd descriptor. Makes it non-blocking: poll answers nothing but POLLERR on one that is not. */
    public Userfaultfd(Fd fd) {
        this.fd = fd;
        Syscalls.check(fd.call(Syscalls.FCNTL, F_SETFL, UffdAbi.O_NONBLOCK, 0), "fcntl(userfaultfd, O_NONBLOCK)");
    }

    /** Whether this descriptor of this process is a userfaultfd. */
    public static boolean isOne(Fd fd) {
        String link = ProcFiles.link(Math.toIntExact(ProcessHandle.current().pid()), "fd/" + fd.raw());
        return RemoteUserfaultfd.isOne(link);
    }

    /** Another descriptor of it, closed on its own: as long as one is open, waiting threads wait. */
    public Fd duplicate() {
        return fd.duplicate();
    }

    /** A userfaultfd of this process: from /dev/userfaultfd, or by userfaultfd(2) where that is missing. */
    static Userfaultfd create() {
        int flags = UffdAbi.O_CLOEXEC | UffdAbi.O_NONBLOCK;
        try (Fd device = Fd.open("/dev/userfaultfd", 2, 0)) {
            return new Userfaultfd(Fd.own(
                    device.call(Syscalls.IOCTL, UffdAbi.USERFAULTFD_IOC_NEW, flags, 0), "ioctl(USERFAULTFD_IOC_NEW)"));
        } catch (SysException deviceFailure) {
            long result = Syscalls.call(Syscalls.USERFAULTFD, flags);
            if (result < 0) {
                deviceFailure.addSuppressed(Syscalls.failure("userfaultfd(2)", result));
                throw deviceFailure;
            }
            return new Userfaultfd(Fd.own(Math.toIntExact(result)));
        }
    }

    /**
     * UFFDIO_API with exactly these features; returns every feature that the kernel has. Once per userfaultfd. EINVAL: the
     * kernel lacks one of them (or it was called before).
     */
    public long api(long features) {
        NativeArguments arguments = NativeArguments.get();
        arguments.bytes.putLong(UffdAbi.API_VERSION, UffdAbi.API).putLong(UffdAbi.API_FEATURES, features);
        long result = fd.call(Syscalls.IOCTL, UffdAbi.UFFDIO_API, arguments.address, 0);
        if (result < 0) {
            throw Syscalls.failure("ioctl(UFFDIO_API, features 0x" + Long.toHexString(features) + ")", result);
        }
        return arguments.bytes.getLong(UffdAbi.API_FEATURES);
    }

    public void register(long address, long lengthBytes, long modes) {
        rangeCall(UffdAbi.UFFDIO_REGISTER, address, lengthBytes, modes);
    }

    /** Also wakes every waiter in the range. */
    public void unregister(long address, long lengthBytes) {
        rangeCall(UffdAbi.UFFDIO_UNREGISTER, address, lengthBytes, 0);
    }

    /** Protects or (false) unprotects the range, EAGAIN retried. */
    public void writeProtect(long address, long lengthBytes, boolean protect) {
        rangeCall(UffdAbi.UFFDIO_WRITEPROTECT, address, lengthBytes, protect ? WRITEPROTECT_MODE_WP : 0);
    }

    /** Wakes every thread waiting in the range; each faults again if its page is still not mapped. */
    public void wake(long address, long lengthBytes) {
        rangeCall(UffdAbi.UFFDIO_WAKE, address, lengthBytes, 0);
    }

    /**
     * Maps pages that are in the page cache already and wakes. Returns bytes done: {@code lengthBytes}, or less where it
     * stopped at a page that somebody mapped before (EEXIST), at a hole of the file (EFAULT) or at a retry (EAGAIN): ask again
     * from there to learn which; negative: −errno at the first page. −ESRCH: the process is gone.
     */
    public long continueRange(long address, long lengthBytes) {
        return place(UffdAbi.UFFDIO_CONTINUE, address, lengthBytes);
    }

    /** UFFDIO_ZEROPAGE; same answer as {@link #continueRange}. */
    public long zeroPage(long address, long lengthBytes) {
        return place(UffdAbi.UFFDIO_ZEROPAGE, address, lengthBytes);
    }

    /**
     * UFFDIO_POISON (Linux 6.6; no feature has to be asked for): whoever touches or waits for one of these pages gets SIGBUS,
     * now and later; also after unregistering, as long as the page table entries live. Same answer as {@link #continueRange};
     * EEXIST: mapped, or poisoned already.
     */
    public long poison(long address, long lengthBytes) {
        return place(UffdAbi.UFFDIO_POISON, address, lengthBytes);
    }

    /** UFFDIO_COPY from an address of this process; same answer as {@link #continueRange}. */
    public long copy(long address, long sourceAddress, long lengthBytes) {
        NativeArguments arguments = NativeArguments.get();
        arguments
                .bytes
                .putLong(UffdAbi.COPY_DESTINATION, address)
                .putLong(UffdAbi.COPY_SOURCE, sourceAddress)
                .putLong(UffdAbi.COPY_LENGTH, lengthBytes)
                .putLong(UffdAbi.COPY_MODE, 0)
                .putLong(UffdAbi.COPY_DONE, 0);
        return done(UffdAbi.UFFDIO_COPY, arguments, lengthBytes, UffdAbi.COPY_DONE);
    }

    private long place(long request, long address, long lengthBytes) {
        NativeArguments arguments = NativeArguments.get();
        arguments
                .bytes
                .putLong(UffdAbi.RANGE_START, address)
                .putLong(UffdAbi.RANGE_LENGTH, lengthBytes)
                .putLong(UffdAbi.PLACE_MODE, 0)
                .putLong(UffdAbi.PLACE_DONE, 0);
        return done(request, arguments, lengthBytes, UffdAbi.PLACE_DONE);
    }

    /** On an error the kernel leaves in the struct how far it came, if it came anywhere; a partial count comes with EAGAIN. */
    private long done(long request, NativeArguments arguments, long lengthBytes, int doneOffset) {
        long result = fd.call(Syscalls.IOCTL, request, arguments.address, 0);
        if (result >= 0) {
            return lengthBytes;
        }
        long done = arguments.bytes.getLong(doneOffset);
        return done > 0 ? done : result;
    }

    /** The struct of each of these begins with the range; the mode follows where there is one. */
    private void rangeCall(long request, long address, long lengthBytes, long mode) {
        NativeArguments arguments = NativeArguments.get();
        arguments
                .bytes
                .putLong(UffdAbi.RANGE_START, address)
                .putLong(UffdAbi.RANGE_LENGTH, lengthBytes)
                .putLong(UffdAbi.RANGE_SIZE, mode);
        long result;
        do {
            result = fd.call(Syscalls.IOCTL, request, arguments.address, 0);
        } while (result == -Errno.EAGAIN);
        if (result < 0) {
            String range = "[0x" + Long.toHexString(address) + ", +" + lengthBytes + ")";
            throw Syscalls.failure("ioctl(" + UffdAbi.name(request) + ", " + range + ", mode " + mode + ")", result);
        }
    }

    /**
     * Waits for events and reads as many as fit (struct uffd_msg, 32 bytes each), without allocating. Events that are there
     * already are read without a look at {@code wakeFd}.
     *
     * @param into direct buffer; filled from index 0
     * @param timeoutMs poll limit; −1: none
     * @param wakeFd another descriptor (an eventfd) that ends the wait when readable; −1: none
     * @return number of events; 0: limit passed or woken; −1: the process is gone (noticed within {@value #GONE_CHECK_MS} ms)
     */
    public int readEvents(ByteBuffer into, int timeoutMs, int wakeFd) {
        int raw = fd.acquire();
        try {
            long deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
            while (true) {
                int events = read(raw, into);
                if (events != 0) {
                    return events;
                }
                long leftMs = timeoutMs < 0
                        ? GONE_CHECK_MS
                        : TimeUnit.NANOSECONDS.toMillis(Math.max(0, deadlineNs - System.nanoTime()));
                int ready = Poll.await(raw, wakeFd, Math.min(leftMs, GONE_CHECK_MS));
                if (ready == 0 ? isGone() : Poll.firstFailed(ready)) {
                    return -1;
                }
                if (!Poll.firstReadable(ready) && (ready != 0 || (timeoutMs >= 0 && leftMs <= GONE_CHECK_MS))) {
                    return 0;
                }
            }
        } finally {
            fd.release();
        }
    }

    /** Reads what is there, without waiting; number of events. */
    public int readEventsNow(ByteBuffer into) {
        int raw = fd.acquire();
        try {
            return read(raw, into);
        } finally {
            fd.release();
        }
    }

    private static int read(int raw, ByteBuffer into) {
        long result = Syscalls.retrying(Syscalls.READ, raw, NativeBuffer.address(into), into.capacity(), 0);
        if (result == -Errno.EAGAIN) {
            return 0;
        }
        return Math.toIntExact(Syscalls.check(result, "read(userfaultfd)") / UffdAbi.MESSAGE_SIZE);
    }

    /** The process behind it has ended or has run another program. UFFDIO_CONTINUE is the cheapest call that looks (0.3 µs). */
    public boolean isGone() {
        return continueRange(NEVER_REGISTERED, PageSize.BASE) == -Errno.ESRCH;
    }

    public static int eventType(ByteBuffer events, int index) {
        return Byte.toUnsignedInt(events.get(index * UffdAbi.MESSAGE_SIZE + UffdAbi.MESSAGE_EVENT));
    }

    /** UFFD_PAGEFAULT_FLAG_WRITE 1, _WP 2, _MINOR 4. */
    public static long pagefaultFlags(ByteBuffer events, int index) {
        return events.getLong(index * UffdAbi.MESSAGE_SIZE + UffdAbi.MESSAGE_FLAGS);
    }

    /** Rounded down to the page: the low bits are not told (FEATURE_EXACT_ADDRESS would). */
    public static long pagefaultAddress(ByteBuffer events, int index) {
        return events.getLong(index * UffdAbi.MESSAGE_SIZE + UffdAbi.MESSAGE_ADDRESS);
    }

    /** The thread that waits, if the userfaultfd was made with {@link #FEATURE_THREAD_ID}; otherwise 0. */
    public static int pagefaultThread(ByteBuffer events, int index) {
        return events.getInt(index * UffdAbi.MESSAGE_SIZE + UffdAbi.MESSAGE_THREAD);
    }

    /** First address that {@link #EVENT_REMOVE} speaks of. */
    public static long removedStart(ByteBuffer events, int index) {
        return events.getLong(index * UffdAbi.MESSAGE_SIZE + UffdAbi.MESSAGE_REMOVE_START);
    }

    public static long removedEnd(ByteBuffer events, int index) {
        return events.getLong(index * UffdAbi.MESSAGE_SIZE + UffdAbi.MESSAGE_REMOVE_END);
    }

    public Fd fd() {
        return fd;
    }

    /** The last descriptor of a userfaultfd lets its waiters read zeros: unregister first, unless QEMU has a copy. */
    @Override
    public void close() {
        fd.close();
    }
}
