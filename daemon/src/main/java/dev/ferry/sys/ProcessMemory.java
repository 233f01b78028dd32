package dev.ferry.sys;

/** process_vm_readv(2) and process_vm_writev(2). Addresses are raw; lengths in bytes; short counts are continued. */
public final class ProcessMemory {
    private ProcessMemory() {}

    /** Reads exactly {@code lengthBytes}; a SysException with EFAULT if part of it is not mapped there, ESRCH if the process is gone. */
    public static void read(int pid, long remoteAddress, long localAddress, long lengthBytes) {
        throw new UnsupportedOperationException("skeleton");
    }

    public static void write(int pid, long remoteAddress, long localAddress, long lengthBytes) {
        throw new UnsupportedOperationException("skeleton");
    }
}
