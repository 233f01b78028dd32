package dev.ferry.sys;

import java.nio.ByteBuffer;

/**
 * process_vm_readv(2) and process_vm_writev(2). Addresses are raw; lengths in bytes; short counts are continued. Any thread;
 * allocates nothing.
 */
public final class ProcessMemory {
    /** Two struct iovec, base and length of 8 bytes each: ours, then theirs. */
    private static final int LOCAL = 0;

    private static final int REMOTE = 16;

    private ProcessMemory() {}

    /** Reads exactly {@code lengthBytes}; a SysException with EFAULT if part of it is not mapped there, ESRCH if the process is gone. */
    public static void read(int pid, long remoteAddress, long localAddress, long lengthBytes) {
        transfer(pid, remoteAddress, localAddress, lengthBytes, false);
    }

    /** Writes exactly {@code lengthBytes}; EFAULT where it is not mapped, or not writable, there. */
    public static void write(int pid, long remoteAddress, long localAddress, long lengthBytes) {
        transfer(pid, remoteAddress, localAddress, lengthBytes, true);
    }

    private static void transfer(int pid, long remoteAddress, long localAddress, long lengthBytes, boolean write) {
        NativeArguments arguments = NativeArguments.get();
        ByteBuffer bytes = arguments.bytes;
        long done = 0;
        while (done < lengthBytes) {
            long left = lengthBytes - done;
            bytes.putLong(LOCAL, localAddress + done).putLong(LOCAL + 8, left);
            bytes.putLong(REMOTE, remoteAddress + done).putLong(REMOTE + 8, left);
            long local = arguments.address + LOCAL;
            long remote = arguments.address + REMOTE;
            long result = write
                    ? Libc.FUNCTIONS.process_vm_writev(pid, local, 1, remote, 1, 0)
                    : Libc.FUNCTIONS.process_vm_readv(pid, local, 1, remote, 1, 0);
            if (result > 0) {
                done += result;
                continue;
            }
            int errno = result == 0 ? Errno.EFAULT : Libc.errno();
            if (errno != Errno.EINTR) {
                String call = write ? "process_vm_writev" : "process_vm_readv";
                String where = ", 0x" + Long.toHexString(remoteAddress + done) + ", " + left + " bytes)";
                throw new SysException(call + "(pid " + pid + where, errno);
            }
        }
    }
}
