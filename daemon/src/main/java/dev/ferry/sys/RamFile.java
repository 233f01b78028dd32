package dev.ferry.sys;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A guest's RAM as a file (tmpfs, hugetlbfs, memfd), accessed by system calls and not through a mapping: a full file
 * system is then an ENOSPC here and not a SIGBUS in the JVM, and a page is written without being zeroed first. Reading and
 * writing from several threads is fine.
 */
public final class RamFile implements AutoCloseable {
    private static final int O_RDWR = 2;
    private static final int O_CREAT = 0x40;
    private static final int O_EXCL = 0x80;
    private static final int MODE = 0600;
    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;

    private final Fd fd;
    private final long lengthBytes;
    private final String identity;
    private final int pageSizeBytes;
    /** Null except on hugetlbfs, which refuses pwrite(2). */
    private final HugePageWriter hugePages;

    private final Deque<Mapping> mappings = new ArrayDeque<>();

    private RamFile(Fd fd) {
        this.fd = fd;
        FileStatus status = FileStatus.of(fd);
        this.lengthBytes = status.sizeBytes();
        this.identity = status.identity();
        this.pageSizeBytes = HugePageWriter.pageSizeOf(fd);
        this.hugePages = pageSizeBytes == PageSize.BASE ? null : new HugePageWriter(fd, lengthBytes);
    }

    /** Creates the file, mode 0600, of this length, all holes; EEXIST if it is there. */
    public static RamFile create(String path, long lengthBytes) {
        Fd fd = Fd.open(path, O_RDWR | O_CREAT | O_EXCL, MODE);
        try {
            Syscalls.check(
                    fd.call(Syscalls.FTRUNCATE, lengthBytes, 0, 0), "ftruncate(" + path + ", " + lengthBytes + ")");
            return of(fd);
        } catch (RuntimeException e) {
            fd.close();
            NativeBuffer.withCString(path, name -> Syscalls.call(Syscalls.UNLINK, name));
            throw e;
        }
    }

    public static RamFile open(String path, boolean writable) {
        return of(Fd.open(path, writable ? O_RDWR : 0, 0));
    }

    /** Takes ownership of a descriptor, for example of a memfd. */
    public static RamFile of(Fd fd) {
        try {
            return new RamFile(fd);
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** When it was opened. */
    public long lengthBytes() {
        return lengthBytes;
    }

    /** st_dev and st_ino as one text, equal for equal files. */
    public String identity() {
        return identity;
    }

    /** 4096 on tmpfs and memfd, the huge page size on hugetlbfs. */
    public int pageSizeBytes() {
        return pageSizeBytes;
    }

    /** pwrite(2), continued until everything is written. SysException ENOSPC when the file system is full. */
    public void write(long offsetBytes, long localAddress, long lengthBytes) {
        requireInside(offsetBytes, lengthBytes);
        if (hugePages != null) {
            hugePages.write(offsetBytes, localAddress, lengthBytes);
            return;
        }
        long done = 0;
        while (done < lengthBytes) {
            done += transferred(
                    Syscalls.PWRITE64,
                    fd.call(Syscalls.PWRITE64, localAddress + done, lengthBytes - done, offsetBytes + done),
                    offsetBytes + done);
        }
    }

    /** pread(2); holes read as zeros and stay holes. */
    public void read(long offsetBytes, long localAddress, long lengthBytes) {
        requireInside(offsetBytes, lengthBytes);
        long done = 0;
        while (done < lengthBytes) {
            done += transferred(
                    Syscalls.PREAD64,
                    fd.call(Syscalls.PREAD64, localAddress + done, lengthBytes - done, offsetBytes + done),
                    offsetBytes + done);
        }
    }

    /** Nothing moved means that somebody made the file shorter. */
    private static long transferred(int number, long result, long offsetBytes) {
        if (result > 0) {
            return result;
        }
        String call = number == Syscalls.PWRITE64 ? "pwrite" : "pread";
        throw Syscalls.failure(call + "(RAM file, offset " + offsetBytes + ")", result == 0 ? -Errno.EIO : result);
    }

    /** Guest RAM never grows: a write behind the end is a bug of the caller, and would make the file longer. */
    private void requireInside(long offsetBytes, long length) {
        if (offsetBytes < 0 || length < 0 || offsetBytes > lengthBytes - length) {
            throw new IndexOutOfBoundsException(
                    "[" + offsetBytes + ", +" + length + ") of a RAM file of " + lengthBytes + " bytes");
        }
    }

    /** fallocate(PUNCH_HOLE | KEEP_SIZE): the range is gone from the file and from every mapping of it. */
    public void punch(long offsetBytes, long lengthBytes) {
        requireInside(offsetBytes, lengthBytes);
        long result = fd.call(Syscalls.FALLOCATE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offsetBytes, lengthBytes);
        Syscalls.check(result, "fallocate(PUNCH_HOLE, offset " + offsetBytes + ", " + lengthBytes + " bytes)");
    }

    /** fallocate(): holes of the range become pages of zeros; what is there stays. SysException ENOSPC when there is no room. */
    public void allocate(long offsetBytes, long lengthBytes) {
        requireInside(offsetBytes, lengthBytes);
        long result = fd.call(Syscalls.FALLOCATE, 0, offsetBytes, lengthBytes);
        Syscalls.check(result, "fallocate(offset " + offsetBytes + ", " + lengthBytes + " bytes)");
    }

    /** The runs that are not holes (SEEK_DATA, SEEK_HOLE), as byte offsets. On hugetlbfs, which cannot tell, the whole file. */
    public void populated(Pagemap.RegionConsumer consumer) {
        long end = 0;
        while (end < lengthBytes) {
            long start = fd.call(Syscalls.LSEEK, end, SEEK_DATA, 0);
            if (start == -Errno.ENXIO) {
                return;
            }
            Syscalls.check(start, "lseek(SEEK_DATA)");
            end = Syscalls.check(fd.call(Syscalls.LSEEK, start, SEEK_HOLE, 0), "lseek(SEEK_HOLE)");
            consumer.accept(start, end);
        }
    }

    /** Where the first byte at or after {@code offsetBytes} lies that is not in a hole, as far as it can tell; or −1. */
    public long nextData(long offsetBytes) {
        long start = fd.call(Syscalls.LSEEK, offsetBytes, SEEK_DATA, 0);
        return start == -Errno.ENXIO ? -1 : Syscalls.check(start, "lseek(SEEK_DATA)");
    }

    /**
     * Maps the whole file shared and writable into this process. At most 2 GiB − 1. For small files such as bitmaps. Close
     * unmaps it: touching the buffer after that crashes the JVM. Touching a hole of it on a full file system does too
     * (SIGBUS): fill it by {@link #write} first.
     */
    public ByteBuffer map() {
        int size = Math.toIntExact(lengthBytes);
        Mapping mapping = mapRaw();
        synchronized (mappings) {
            mappings.push(mapping);
        }
        return NativeBuffer.over(mapping.address(), size);
    }

    /** For passing it on; stays owned here. */
    public Fd fd() {
        return fd;
    }

    /** For addresses that system calls work on; the caller closes it. */
    Mapping mapRaw() {
        return Mapping.shared(fd, lengthBytes);
    }

    @Override
    public void close() {
        synchronized (mappings) {
            while (!mappings.isEmpty()) {
                mappings.pop().close();
            }
        }
        if (hugePages != null) {
            hugePages.close();
        }
        fd.close();
    }
}
