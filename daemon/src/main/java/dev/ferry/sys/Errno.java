package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;

/** Linux error numbers by name (errno(3)), and what kind of failure each is. */
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int ESRCH = 3;
    public static final int EINTR = 4;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EFAULT = 14;
    public static final int EEXIST = 17;
    public static final int EINVAL = 22;
    public static final int ENOSPC = 28;

    private Errno() {}

    public static String name(int errno) {
        throw new UnsupportedOperationException("skeleton");
    }

    public static String describe(int errno) {
        throw new UnsupportedOperationException("skeleton");
    }

    public static ErrorCategory category(int errno) {
        throw new UnsupportedOperationException("skeleton");
    }
}
