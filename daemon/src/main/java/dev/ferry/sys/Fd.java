package dev.ferry.sys;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * An open file descriptor of this process. Closing twice does no harm; using it after that is an error, never another file:
 * the number goes back to the kernel when the last system call that uses it has returned.
 */
public final class Fd implements AutoCloseable {
    private static final int O_CLOEXEC = 0x80000;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int CLOSED = 1;
    private static final int ONE_USER = 2;

    private final int raw;
    /** Bit 0: closed; above it the number of calls in progress. */
    private final AtomicInteger state = new AtomicInteger();

    private Fd(int raw) {
        this.raw = raw;
    }

    /** Takes ownership of a raw descriptor. */
    public static Fd own(int raw) {
        if (raw < 0) {
            throw new IllegalArgumentException("descriptor " + raw);
        }
        return new Fd(raw);
    }

    /** Takes ownership of what a system call answered; an exception if that is an error. */
    static Fd own(long result, String tried) {
        return own(Math.toIntExact(Syscalls.check(result, tried)));
    }

    /** open(2), O_CLOEXEC added. */
    public static Fd open(String path, int flags, int mode) {
        long result = NativeBuffer.withCString(
                path, name -> Syscalls.retrying(Syscalls.OPENAT, Syscalls.AT_FDCWD, name, flags | O_CLOEXEC, mode));
        return own(result, "open " + path);
    }

    /** Another descriptor of the same open file, closed on its own. */
    public Fd duplicate() {
        return own(call(Syscalls.FCNTL, F_DUPFD_CLOEXEC, 0, 0), "fcntl(F_DUPFD_CLOEXEC)");
    }

    public int raw() {
        if (!isOpen()) {
            throw closed();
        }
        return raw;
    }

    public boolean isOpen() {
        return (state.get() & CLOSED) == 0;
    }

    /** The number, which stays this file's until {@link #release}. */
    int acquire() {
        if (!tryAcquire()) {
            throw closed();
        }
        return raw;
    }

    private boolean tryAcquire() {
        int now;
        do {
            now = state.get();
            if ((now & CLOSED) != 0) {
                return false;
            }
        } while (!state.compareAndSet(now, now + ONE_USER));
        return true;
    }

    void release() {
        if (state.addAndGet(-ONE_USER) == CLOSED) {
            closeNow();
        }
    }

    /** A system call with this descriptor as its first argument, started anew after EINTR; its result or −errno. */
    long call(long number, long b, long c, long d) {
        acquire();
        try {
            return Syscalls.retrying(number, raw, b, c, d);
        } finally {
            release();
        }
    }

    /** The same, but {@code ifClosed} when the descriptor is closed already. */
    long callUnlessClosed(long number, long b, long c, long d, long ifClosed) {
        if (!tryAcquire()) {
            return ifClosed;
        }
        try {
            return Syscalls.retrying(number, raw, b, c, d);
        } finally {
            release();
        }
    }

    @Override
    public void close() {
        int now;
        do {
            now = state.get();
            if ((now & CLOSED) != 0) {
                return;
            }
        } while (!state.compareAndSet(now, now | CLOSED));
        if (now == 0) {
            closeNow();
        }
    }

    private void closeNow() {
        // Whatever close(2) answers, the descriptor is gone; only EBADF is worth a word: somebody else closed it.
        if (Syscalls.call(Syscalls.CLOSE, raw) == -Errno.EBADF) {
            throw new SysException("close(" + raw + ")", Errno.EBADF);
        }
    }

    private IllegalStateException closed() {
        return new IllegalStateException("descriptor " + raw + " is closed");
    }

    @Override
    public String toString() {
        return "Fd(" + raw + (isOpen() ? ")" : ", closed)");
    }
}
