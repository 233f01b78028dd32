package dev.ferry.sys;

import dev.ferry.base.FerryException;

/** A system call failed: which one, with which errno. */
public final class SysException extends FerryException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    public SysException(String call, int errno) {
        super(Errno.category(errno), call + ": " + Errno.name(errno) + " (" + Errno.describe(errno) + ")");
        this.errno = errno;
    }

    public int errno() {
        return errno;
    }
}
