package dev.ferry.sys;

/**
 * A userfaultfd inside another, running process, with a duplicate here. The process keeps its own copy open, so that waiting
 * threads never read zeros when this daemon dies.
 */
public final class RemoteUserfaultfd {
    /**
     * @param remoteFd the descriptor's number in that process
     * @param local our duplicate
     */
    public record Injected(int remoteFd, Userfaultfd local) {}

    private RemoteUserfaultfd() {}

    /** ioctl(remoteDeviceFd, USERFAULTFD_IOC_NEW) inside the process, which has /dev/userfaultfd open as that number. */
    public static Injected fromDevice(PidFd process, int remoteDeviceFd) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** userfaultfd(2) inside the process; EPERM when it is unprivileged. */
    public static Injected fromSyscall(PidFd process) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Takes a duplicate of one that was injected earlier, by a daemon that is gone. */
    public static Userfaultfd take(PidFd process, int remoteFd) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** close(2) inside the process. Only after every range was unregistered. */
    public static void closeRemote(PidFd process, int remoteFd) {
        throw new UnsupportedOperationException("skeleton");
    }
}
