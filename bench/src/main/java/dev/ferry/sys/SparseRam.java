package dev.ferry.sys;

import dev.ferry.memory.PageBitmap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A guest's RAM without the guest, for the benchmark: a huge mapping of this process of which little is populated, under write
 * tracking like a source's. Pages are touched by system calls only.
 */
public final class SparseRam implements AutoCloseable {
    private static final int PAGE = PageSize.BASE;
    private static final int HUGE = 2 << 20;
    private static final int MADVISE = 28;
    private static final int MADV_HUGEPAGE = 14;
    private static final int PROT_READ_WRITE = 3;
    private static final int PRIVATE_ANONYMOUS_NORESERVE = 0x2 | 0x20 | 0x4000;

    private final long lengthBytes;
    private final RamFile file;
    private final Mapping shared;
    private final long address;
    private final RamFile content;
    private final Userfaultfd uffd;
    private final Pagemap pagemap;
    private WriteTracking tracking;

    private SparseRam(long lengthBytes, RamFile file, boolean hugePages) {
        this.lengthBytes = lengthBytes;
        this.file = file;
        shared = file == null ? null : file.mapRaw();
        address = file != null
                ? shared.address()
                : Syscalls.check(
                        Syscalls.call(
                                Syscalls.MMAP, 0, lengthBytes, PROT_READ_WRITE, PRIVATE_ANONYMOUS_NORESERVE, -1, 0),
                        "mmap of " + lengthBytes + " bytes");
        if (hugePages) {
            Syscalls.check(Syscalls.call(MADVISE, address, lengthBytes, MADV_HUGEPAGE), "madvise");
        }
        content = MemFd.create("bench-content", HUGE);
        uffd = Userfaultfd.create();
        uffd.api(Userfaultfd.FEATURE_WP_ASYNC
                | Userfaultfd.FEATURE_WP_UNPOPULATED
                | Userfaultfd.FEATURE_WP_HUGETLBFS_SHMEM);
        pagemap = Pagemap.open(Math.toIntExact(ProcessHandle.current().pid()));
    }

    /** As QEMU's RAM is by default. */
    public static SparseRam privateMemory(long lengthBytes, boolean hugePages) {
        return new SparseRam(lengthBytes, null, hugePages);
    }

    /** A sparse memfd. */
    public static SparseRam sharedFile(long lengthBytes) {
        return new SparseRam(lengthBytes, MemFd.create("bench-ram", lengthBytes), false);
    }

    /** Writes all pages of {@code runs} runs of 2 MiB, at equal distances. */
    public void populate(int runs) {
        for (int i = 0; i < runs; i++) {
            content.read(0, address + lengthBytes / runs / HUGE * HUGE * i, HUGE);
        }
    }

    /** Writes the first page of each of those runs. */
    public void dirty(int runs) {
        for (int i = 0; i < runs; i++) {
            content.read(0, address + lengthBytes / runs / HUGE * HUGE * i, PAGE);
        }
    }

    /** As the source does: registers, protects. */
    public void start() {
        tracking = file == null
                ? WriteTracking.ofPrivate(uffd, pagemap, address, lengthBytes)
                : WriteTracking.ofFile(uffd, pagemap, address, lengthBytes, file, 0);
        tracking.start();
    }

    public void unregister() {
        uffd.unregister(address, lengthBytes);
    }

    public void forEachPopulated(PageBitmap.RunConsumer consumer) {
        if (file == null) {
            pagemap.populated(address, address + lengthBytes, pages(consumer));
        } else {
            file.populated((start, end) -> consumer.accept(start / PAGE, (end - start) / PAGE));
        }
    }

    public void harvest(PageBitmap.RunConsumer consumer) {
        tracking.harvest(pages(consumer));
    }

    private Pagemap.RegionConsumer pages(PageBitmap.RunConsumer consumer) {
        return (start, end) -> consumer.accept((start - address) / PAGE, (end - start) / PAGE);
    }

    /** Memory that the kernel holds for this process's page tables. */
    public static long pageTableBytes() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmPTE:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) << 10;
                }
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        throw new IllegalStateException("/proc/self/status without VmPTE");
    }

    @Override
    public void close() {
        pagemap.close();
        uffd.close();
        content.close();
        if (file == null) {
            Syscalls.check(Syscalls.call(Syscalls.MUNMAP, address, lengthBytes, 0), "munmap");
        } else {
            shared.close();
            file.close();
        }
    }
}
