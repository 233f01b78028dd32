package dev.ferry.sys;

/**
 * Writes to a file on hugetlbfs, where write(2) is EINVAL: through a mapping, page by page allocated beforehand, since
 * touching one when the pool is empty would be a SIGBUS.
 */
final class HugePageWriter implements AutoCloseable {
    /** struct statfs of x86-64: f_type and f_bsize, 8 bytes each. */
    private static final int TYPE = 0;

    private static final int BLOCK_SIZE = 8;
    private static final long HUGETLBFS_MAGIC = 0x958458F6L;

    private final Fd fd;
    private final long lengthBytes;
    private Mapping mapping;

    HugePageWriter(Fd fd, long lengthBytes) {
        this.fd = fd;
        this.lengthBytes = lengthBytes;
    }

    /** Of hugetlbfs its huge page; of everything else the base page (tmpfs may say 2 MiB in st_blksize and yet map 4 KiB). */
    static int pageSizeOf(Fd fd) {
        NativeArguments arguments = NativeArguments.get();
        Syscalls.check(fd.call(Syscalls.FSTATFS, arguments.address, 0, 0), "fstatfs");
        return arguments.bytes.getLong(TYPE) == HUGETLBFS_MAGIC
                ? Math.toIntExact(arguments.bytes.getLong(BLOCK_SIZE))
                : PageSize.BASE;
    }

    void write(long offsetBytes, long localAddress, long length) {
        if (length == 0) {
            return;
        }
        // Pages that are there already stay as they are.
        long result = fd.call(Syscalls.FALLOCATE, 0, offsetBytes, length);
        if (result < 0) {
            throw Syscalls.failure("fallocate(huge pages, offset " + offsetBytes + ", " + length + " bytes)", result);
        }
        NativeBuffer.copy(localAddress, address() + offsetBytes, length);
    }

    private synchronized long address() {
        if (mapping == null) {
            mapping = Mapping.shared(fd, lengthBytes);
        }
        return mapping.address();
    }

    @Override
    public synchronized void close() {
        if (mapping != null) {
            mapping.close();
            mapping = null;
        }
    }
}
