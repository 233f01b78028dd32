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

    /** Many pieces of another process's memory in one call. Owned by one thread; reused. */
    public static final class Gather {
        private static final int IOVEC_BYTES = 16;

        /** UIO_MAXIOV. */
        private static final int MOST = 1024;

        /** Ours first, then theirs. */
        private final ByteBuffer vectors;

        private final long address;
        private int pieces;
        private long lengthBytes;

        public Gather(int mostPieces) {
            if (mostPieces > MOST) {
                throw new IllegalArgumentException(mostPieces + " pieces, the kernel takes " + MOST);
            }
            vectors = NativeBuffer.allocate((mostPieces + 1) * IOVEC_BYTES);
            address = NativeBuffer.address(vectors);
        }

        public void clear() {
            pieces = 0;
            lengthBytes = 0;
        }

        public void add(long remoteAddress, long pieceBytes) {
            int at = ++pieces * IOVEC_BYTES;
            vectors.putLong(at, remoteAddress).putLong(at + 8, pieceBytes);
            lengthBytes += pieceBytes;
        }

        /** Reads all pieces to this address, one behind the other. Errors as {@link ProcessMemory#read}. */
        public void read(int pid, long localAddress) {
            vectors.putLong(0, localAddress).putLong(8, lengthBytes);
            long result = Libc.FUNCTIONS.process_vm_readv(pid, address, 1, address + IOVEC_BYTES, pieces, 0);
            if (result == lengthBytes) {
                return;
            }
            // Broken off somewhere: piece by piece finishes it, or says where it cannot.
            long local = localAddress;
            for (int i = 1; i <= pieces; i++) {
                long piece = vectors.getLong(i * IOVEC_BYTES + 8);
                ProcessMemory.read(pid, vectors.getLong(i * IOVEC_BYTES), local, piece);
                local += piece;
            }
        }
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
