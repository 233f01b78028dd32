package dev.ferry.sys;

import java.util.concurrent.atomic.AtomicBoolean;

/** mmap(2) of this process, readable and writable. Using its address after close is a crash: whoever opens it owns it alone. */
final class Mapping implements AutoCloseable {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_ANONYMOUS = 0x20;
    /** A mapping of hugetlbfs would otherwise take pages for the whole file out of the pool at once. */
    private static final int MAP_NORESERVE = 0x4000;

    private final long address;
    private final long lengthBytes;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Mapping(long address, long lengthBytes) {
        this.address = address;
        this.lengthBytes = lengthBytes;
    }

    static Mapping shared(Fd fd, long lengthBytes) {
        int raw = fd.acquire();
        try {
            return map(lengthBytes, MAP_SHARED | MAP_NORESERVE, raw);
        } finally {
            fd.release();
        }
    }

    static Mapping anonymous(long lengthBytes) {
        return map(lengthBytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    }

    private static Mapping map(long lengthBytes, int flags, int fd) {
        long result = Syscalls.call(Syscalls.MMAP, 0, lengthBytes, PROT_READ_WRITE, flags, fd, 0);
        return new Mapping(Syscalls.check(result, "mmap of " + lengthBytes + " bytes"), lengthBytes);
    }

    long address() {
        return address;
    }

    long lengthBytes() {
        return lengthBytes;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            Syscalls.check(Syscalls.call(Syscalls.MUNMAP, address, lengthBytes, 0), "munmap");
        }
    }
}
