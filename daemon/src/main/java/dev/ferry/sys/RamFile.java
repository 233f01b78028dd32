package dev.ferry.sys;

import java.nio.ByteBuffer;

/**
 * A guest's RAM as a file (tmpfs, hugetlbfs, memfd), accessed by system calls and not through a mapping: a full file
 * system is then an ENOSPC here and not a SIGBUS in the JVM, and a page is written without being zeroed first.
 */
public final class RamFile implements AutoCloseable {
    /** Creates the file, mode 0600, of this length, all holes; EEXIST if it is there. */
    public static RamFile create(String path, long lengthBytes) {
        throw new UnsupportedOperationException("skeleton");
    }

    public static RamFile open(String path, boolean writable) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Takes ownership of a descriptor, for example of a memfd. */
    public static RamFile of(Fd fd) {
        throw new UnsupportedOperationException("skeleton");
    }

    public long lengthBytes() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** st_dev and st_ino as one text, equal for equal files. */
    public String identity() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** 4096 on tmpfs and memfd, the huge page size on hugetlbfs. */
    public int pageSizeBytes() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** pwrite(2), continued until everything is written. SysException ENOSPC when the file system is full. */
    public void write(long offsetBytes, long localAddress, long lengthBytes) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** pread(2); holes read as zeros and stay holes. */
    public void read(long offsetBytes, long localAddress, long lengthBytes) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** fallocate(PUNCH_HOLE | KEEP_SIZE): the range is gone from the file and from every mapping of it. */
    public void punch(long offsetBytes, long lengthBytes) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** The runs that are not holes (SEEK_DATA, SEEK_HOLE), as byte offsets. */
    public void populated(Pagemap.RegionConsumer consumer) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Maps the whole file shared and writable into this process. At most 2 GiB − 1. For small files such as bitmaps. */
    public ByteBuffer map() {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("skeleton");
    }
}
