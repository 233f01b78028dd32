package dev.ferry.sys;

/** pidfd_open(2), pidfd_getfd(2), pidfd_send_signal(2): a process that cannot be mistaken for a later one of the same number. */
public final class PidFd implements AutoCloseable {
    private final int pid;
    private final Fd fd;

    private PidFd(int pid, Fd fd) {
        this.pid = pid;
        this.fd = fd;
    }

    /** NOT_FOUND: no such process. */
    public static PidFd open(int pid) {
        return new PidFd(pid, Fd.own(Syscalls.call(Syscalls.PIDFD_OPEN, pid, 0, 0), "pidfd_open(" + pid + ")"));
    }

    public int pid() {
        return pid;
    }

    /** A duplicate of that process's descriptor, close-on-exec. EPERM without the right to ptrace it. */
    public Fd getFd(int remoteFd) {
        long result = fd.call(Syscalls.PIDFD_GETFD, remoteFd, 0, 0);
        return Fd.own(result, "pidfd_getfd(pid " + pid + ", descriptor " + remoteFd + ")");
    }

    public void signal(int signal) {
        long result = fd.call(Syscalls.PIDFD_SEND_SIGNAL, signal, 0, 0);
        Syscalls.check(result, "pidfd_send_signal(pid " + pid + ", signal " + signal + ")");
    }

    /** Waits until the process has ended (it may still be a zombie); true if it has. −1: no limit. */
    public boolean awaitExit(long timeoutMs) {
        int raw = fd.acquire();
        try {
            return Poll.firstReadable(Poll.await(raw, -1, timeoutMs));
        } finally {
            fd.release();
        }
    }

    public boolean isAlive() {
        return !awaitExit(0);
    }

    @Override
    public void close() {
        fd.close();
    }
}
