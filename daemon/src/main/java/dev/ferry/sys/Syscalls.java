package dev.ferry.sys;

/**
 * System calls by number, x86-64 (arch/x86/entry/syscalls/syscall_64.tbl). Every call answers its result or −errno, like the
 * kernel itself; {@link #check} turns that into an exception where it is one.
 */
final class Syscalls {
    static final int READ = 0;
    static final int WRITE = 1;
    static final int CLOSE = 3;
    static final int FSTAT = 5;
    static final int POLL = 7;
    static final int LSEEK = 8;
    static final int MMAP = 9;
    static final int MUNMAP = 11;
    static final int IOCTL = 16;
    static final int PREAD64 = 17;
    static final int PWRITE64 = 18;
    static final int GETPID = 39;
    static final int SOCKET = 41;
    static final int CONNECT = 42;
    static final int SENDMSG = 46;
    static final int SHUTDOWN = 48;
    static final int SETSOCKOPT = 54;
    static final int GETSOCKOPT = 55;
    static final int WAIT4 = 61;
    static final int FCNTL = 72;
    static final int FTRUNCATE = 77;
    static final int UNLINK = 87;
    static final int PTRACE = 101;
    static final int FSTATFS = 138;
    static final int SETPRIORITY = 141;
    static final int PRCTL = 157;
    static final int OPENAT = 257;
    static final int NEWFSTATAT = 262;
    static final int FALLOCATE = 285;
    static final int EVENTFD2 = 290;
    static final int MEMFD_CREATE = 319;
    static final int USERFAULTFD = 323;
    static final int PIDFD_SEND_SIGNAL = 424;
    static final int PIDFD_OPEN = 434;
    static final int PIDFD_GETFD = 438;

    static final int AT_FDCWD = -100;

    private Syscalls() {}

    /**
     * For system calls of at most four arguments, and only those: the kernel would find garbage in a fifth or sixth, and where
     * it takes that for an address, write there.
     */
    static long call(long number, long a, long b, long c, long d) {
        long result = Libc.FUNCTIONS.syscall(number, a, b, c, d);
        return result == -1 ? -Libc.errno() : result;
    }

    static long call(long number, long a, long b, long c) {
        return call(number, a, b, c, 0);
    }

    static long call(long number, long a) {
        return call(number, a, 0, 0, 0);
    }

    static long call(long number, long a, long b, long c, long d, long e, long f) {
        long result = Libc.FUNCTIONS.syscall(number, a, b, c, d, e, f);
        return result == -1 ? -Libc.errno() : result;
    }

    /** For calls that may be started anew after a signal. */
    static long retrying(long number, long a, long b, long c, long d) {
        long result;
        do {
            result = call(number, a, b, c, d);
        } while (result == -Errno.EINTR);
        return result;
    }

    /** The result, or a SysException that names what was tried. */
    static long check(long result, String tried) {
        if (result < 0) {
            throw failure(tried, result);
        }
        return result;
    }

    static SysException failure(String tried, long negativeErrno) {
        return new SysException(tried, Math.toIntExact(-negativeErrno));
    }
}
