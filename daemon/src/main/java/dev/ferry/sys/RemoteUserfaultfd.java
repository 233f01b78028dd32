package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;

/**
 * A userfaultfd inside another, running process, with a duplicate here. The process keeps its own copy open, so that waiting
 * threads never read zeros when this daemon dies.
 */
public final class RemoteUserfaultfd {
    private static final String LINK = "anon_inode:[userfaultfd]";
    private static final int FLAGS = UffdAbi.O_CLOEXEC | UffdAbi.O_NONBLOCK;

    /**
     * @param remoteFd the descriptor's number in that process
     * @param local our duplicate
     */
    public record Injected(int remoteFd, Userfaultfd local) {}

    private RemoteUserfaultfd() {}

    /** @param link what /proc/PID/fd/N links to */
    public static boolean isOne(String link) {
        return link.equals(LINK);
    }

    /** ioctl(remoteDeviceFd, USERFAULTFD_IOC_NEW) inside the process, which has /dev/userfaultfd open as that number. */
    public static Injected fromDevice(PidFd process, int remoteDeviceFd) {
        return inject(process, Syscalls.IOCTL, remoteDeviceFd, UffdAbi.USERFAULTFD_IOC_NEW, FLAGS);
    }

    /** userfaultfd(2) inside the process; EPERM when it is unprivileged. */
    public static Injected fromSyscall(PidFd process) {
        return inject(process, Syscalls.USERFAULTFD, FLAGS, 0, 0);
    }

    private static Injected inject(PidFd process, int number, long a, long b, long c) {
        try (RemoteSyscall remote = attach(process)) {
            String tried = (number == Syscalls.IOCTL ? "ioctl(USERFAULTFD_IOC_NEW)" : "userfaultfd(2)") + " in process "
                    + process.pid();
            int remoteFd = Math.toIntExact(Syscalls.check(remote.call(number, a, b, c, 0, 0, 0), tried));
            try {
                return new Injected(remoteFd, take(process, remoteFd));
            } catch (RuntimeException e) {
                remote.call(Syscalls.CLOSE, remoteFd, 0, 0, 0, 0, 0);
                throw e;
            }
        }
    }

    /** Takes a duplicate of one that was injected earlier, by a daemon that is gone. FAILED_PRECONDITION: it is none. */
    public static Userfaultfd take(PidFd process, int remoteFd) {
        Fd fd = process.getFd(remoteFd);
        try {
            requireUserfaultfd(process.pid(), remoteFd);
            return new Userfaultfd(fd);
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** close(2) inside the process. Only after every range was unregistered. FAILED_PRECONDITION: the number is another file. */
    public static void closeRemote(PidFd process, int remoteFd) {
        try (RemoteSyscall remote = attach(process)) {
            requireUserfaultfd(process.pid(), remoteFd);
            long result = remote.call(Syscalls.CLOSE, remoteFd, 0, 0, 0, 0, 0);
            Syscalls.check(result, "close(" + remoteFd + ") in process " + process.pid());
        }
    }

    /** Once it is attached, the number cannot go to another process any more; so ask after that whether it still is this one. */
    private static RemoteSyscall attach(PidFd process) {
        RemoteSyscall remote = RemoteSyscall.attach(process.pid());
        if (process.isAlive()) {
            return remote;
        }
        remote.close();
        throw new SysException("attach to process " + process.pid(), Errno.ESRCH);
    }

    private static void requireUserfaultfd(int pid, int remoteFd) {
        String link = ProcFiles.link(pid, "fd/" + remoteFd);
        if (!link.equals(LINK)) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "descriptor " + remoteFd + " of process " + pid + " is " + link + " and no userfaultfd");
        }
    }
}
