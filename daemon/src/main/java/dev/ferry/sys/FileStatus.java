package dev.ferry.sys;

import java.nio.ByteBuffer;
import java.util.Locale;

/** What ferryd asks of struct stat (x86-64 layout, 144 bytes). */
record FileStatus(long device, long inode, int mode, long sizeBytes) {
    static final int SIZE = 144;
    static final int DEVICE = 0;
    static final int INODE = 8;
    static final int MODE = 24;
    static final int LENGTH = 48;
    /** inode(7). */
    static final int TYPE_MASK = 0170000;

    static final int REGULAR = 0100000;

    static FileStatus of(Fd fd) {
        NativeArguments arguments = NativeArguments.get();
        Syscalls.check(fd.call(Syscalls.FSTAT, arguments.address, 0, 0), "fstat");
        return from(arguments.bytes);
    }

    static FileStatus of(String path) {
        NativeArguments arguments = NativeArguments.get();
        long result = NativeBuffer.withCString(
                path, name -> Syscalls.call(Syscalls.NEWFSTATAT, Syscalls.AT_FDCWD, name, arguments.address, 0));
        Syscalls.check(result, "stat " + path);
        return from(arguments.bytes);
    }

    /** Equal for equal files, as long as one of them is open. */
    String identity() {
        return Long.toUnsignedString(device) + ":" + Long.toUnsignedString(inode);
    }

    boolean isRegularFile() {
        return (mode & TYPE_MASK) == REGULAR;
    }

    /** The device as /proc/PID/maps prints it. */
    String mapsDevice() {
        long major = ((device >>> 8) & 0xfff) | ((device >>> 32) & 0xfffff000L);
        long minor = (device & 0xff) | ((device >>> 12) & 0xffffff00L);
        return String.format(Locale.ROOT, "%02x:%02x", major, minor);
    }

    private static FileStatus from(ByteBuffer stat) {
        return new FileStatus(stat.getLong(DEVICE), stat.getLong(INODE), stat.getInt(MODE), stat.getLong(LENGTH));
    }
}
