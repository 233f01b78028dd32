package dev.ferry.sys;

/** pidfd_open(2), pidfd_getfd(2), pidfd_send_signal(2): a process that cannot be mistaken for a later one of the same number. */
public final class PidFd implements AutoCloseable {
    public static PidFd open(int pid) {
        throw new UnsupportedOperationException("skeleton");
    }

    public int pid() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** A duplicate of that process's descriptor. */
    public Fd getFd(int remoteFd) {
        throw new UnsupportedOperationException("skeleton");
    }

    public void signal(int signal) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Waits until the process has ended; true if it has. */
    public boolean awaitExit(long timeoutMs) {
        throw new UnsupportedOperationException("skeleton");
    }

    public boolean isAlive() {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("skeleton");
    }
}
