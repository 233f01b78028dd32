package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;

/** Linux error numbers by name (errno(3)), and what kind of failure each is. */
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int ESRCH = 3;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int ENXIO = 6;
    public static final int EBADF = 9;
    public static final int ECHILD = 10;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EFAULT = 14;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int ENODEV = 19;
    public static final int ENOTDIR = 20;
    public static final int EISDIR = 21;
    public static final int EINVAL = 22;
    public static final int ENFILE = 23;
    public static final int EMFILE = 24;
    public static final int ENOTTY = 25;
    public static final int ENOSPC = 28;
    public static final int EROFS = 30;
    public static final int EPIPE = 32;
    public static final int ENAMETOOLONG = 36;
    public static final int ENOSYS = 38;
    public static final int ENOTSOCK = 88;
    public static final int EOPNOTSUPP = 95;
    public static final int EADDRINUSE = 98;
    public static final int ECONNABORTED = 103;
    public static final int ECONNRESET = 104;
    public static final int ENOBUFS = 105;
    public static final int ENOTCONN = 107;
    public static final int ETIMEDOUT = 110;
    public static final int ECONNREFUSED = 111;
    public static final int EDQUOT = 122;
    public static final int ECANCELED = 125;

    private Errno() {}

    /** For example "ENOSPC"; "E" and the number if it has no name. */
    public static String name(int errno) {
        return ErrnoTable.name(errno);
    }

    /** The text of strerror(3), in English. */
    public static String describe(int errno) {
        return ErrnoTable.description(errno);
    }

    /** What its caller can do about it. Where a call gives a number another meaning, the caller says so with its own exception. */
    public static ErrorCategory category(int errno) {
        return switch (errno) {
            case EPERM, EACCES, EROFS -> ErrorCategory.PERMISSION_DENIED;
            case ENOENT, ESRCH, ENXIO, ENODEV -> ErrorCategory.NOT_FOUND;
            case EEXIST, EADDRINUSE -> ErrorCategory.ALREADY_EXISTS;
            case ENOMEM, ENOSPC, EDQUOT, EMFILE, ENFILE, ENOBUFS -> ErrorCategory.RESOURCE_EXHAUSTED;
            case EINVAL, ENAMETOOLONG, ENOTDIR, EISDIR, ENOTSOCK -> ErrorCategory.INVALID_ARGUMENT;
            case ENOSYS, ENOTTY, EOPNOTSUPP -> ErrorCategory.UNIMPLEMENTED;
            case EAGAIN, EINTR, EPIPE, ECONNABORTED, ECONNRESET, ENOTCONN, ECONNREFUSED -> ErrorCategory.UNAVAILABLE;
            case ETIMEDOUT -> ErrorCategory.DEADLINE_EXCEEDED;
            case EBUSY -> ErrorCategory.FAILED_PRECONDITION;
            case ECANCELED -> ErrorCategory.ABORTED;
            default -> ErrorCategory.INTERNAL;
        };
    }
}
