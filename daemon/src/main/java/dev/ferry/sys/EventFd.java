package dev.ferry.sys;

/** eventfd(2): wakes a thread that waits in poll. Any thread may call; stays readable until cleared. */
public final class EventFd implements AutoCloseable {
    private static final int EFD_CLOEXEC = 0x80000;
    private static final int EFD_NONBLOCK = 0x800;

    private final Fd fd;

    private EventFd(Fd fd) {
        this.fd = fd;
    }

    public static EventFd create() {
        return new EventFd(Fd.own(Syscalls.call(Syscalls.EVENTFD2, 0, EFD_CLOEXEC | EFD_NONBLOCK, 0), "eventfd"));
    }

    public int raw() {
        return fd.raw();
    }

    public void signal() {
        NativeArguments arguments = NativeArguments.get();
        arguments.bytes.putLong(0, 1);
        long result = fd.call(Syscalls.WRITE, arguments.address, Long.BYTES, 0);
        // EAGAIN: the counter is at its limit, so it is readable already.
        if (result != -Errno.EAGAIN) {
            Syscalls.check(result, "write(eventfd)");
        }
    }

    /** Not readable any more; true if it was. */
    public boolean clear() {
        NativeArguments arguments = NativeArguments.get();
        long result = fd.call(Syscalls.READ, arguments.address, Long.BYTES, 0);
        return result != -Errno.EAGAIN && Syscalls.check(result, "read(eventfd)") > 0;
    }

    @Override
    public void close() {
        fd.close();
    }
}
