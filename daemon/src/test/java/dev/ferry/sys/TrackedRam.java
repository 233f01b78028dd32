package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;

/** A range of this process's memory under write tracking. Pages are written by system calls only. */
record TrackedRam(MountedFs tmpfs, RamFile file, Mapping memory, Userfaultfd uffd, Pagemap pagemap)
        implements AutoCloseable {
    static final int PAGE = PageSize.BASE;
    static final int PAGES = 16384;
    private static final int MADVISE = 28;
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_HUGEPAGE = 14;

    /** What a guest's RAM can be. */
    enum Kind {
        PRIVATE,
        /** With transparent huge pages wherever the kernel finds some. */
        PRIVATE_HUGE,
        MEMFD,
        SHARED_FILE,
        /** On a tmpfs that was mounted with huge=always. */
        SHARED_FILE_HUGE
    }

    static TrackedRam of(Kind kind) throws Exception {
        long length = (long) PAGES * PAGE;
        MountedFs tmpfs = switch (kind) {
            case SHARED_FILE -> MountedFs.mount("tmpfs", "size=256m");
            case SHARED_FILE_HUGE -> MountedFs.mount("tmpfs", "size=256m,huge=always");
            case PRIVATE, PRIVATE_HUGE, MEMFD -> null;
        };
        RamFile file = tmpfs != null
                ? RamFile.create(tmpfs.file("ram"), length)
                : kind == Kind.MEMFD ? MemFd.create("tracked", length) : null;
        Mapping memory = file == null ? Mapping.anonymous(length) : file.mapRaw();
        if (kind == Kind.PRIVATE_HUGE) {
            Syscalls.check(Syscalls.call(MADVISE, memory.address(), length, MADV_HUGEPAGE), "madvise");
        }
        Pagemap pagemap = Pagemap.open(Math.toIntExact(ProcessHandle.current().pid()));
        return new TrackedRam(tmpfs, file, memory, Userfaultfd.create(), pagemap);
    }

    void register() {
        uffd.api(Userfaultfd.FEATURE_WP_ASYNC
                | Userfaultfd.FEATURE_WP_UNPOPULATED
                | Userfaultfd.FEATURE_WP_HUGETLBFS_SHMEM);
        uffd.register(memory.address(), memory.lengthBytes(), Userfaultfd.MODE_WP);
    }

    void protect() {
        uffd.writeProtect(memory.address(), memory.lengthBytes(), true);
    }

    long page(int index) {
        return memory.address() + (long) index * PAGE;
    }

    void write(BitSet pages) {
        pages.stream().forEach(i -> KernelTouch.write(page(i)));
    }

    /** The page table entry goes, of shared memory the page stays. */
    void dontNeed(int index) {
        Syscalls.check(Syscalls.call(MADVISE, page(index), PAGE, MADV_DONTNEED), "madvise");
    }

    BitSet harvest() {
        BitSet pages = new BitSet(PAGES);
        pagemap.harvestWritten(memory.address(), page(PAGES), (start, end) -> add(pages, start, end));
        return pages;
    }

    BitSet populated() {
        BitSet pages = new BitSet(PAGES);
        pagemap.populated(memory.address(), page(PAGES), (start, end) -> add(pages, start, end));
        return pages;
    }

    private void add(BitSet pages, long start, long end) {
        int first = Math.toIntExact((start - memory.address()) / PAGE);
        int last = Math.toIntExact((end - memory.address()) / PAGE);
        assertThat(first).as("in order, touching runs joined").isGreaterThan(pages.isEmpty() ? -1 : pages.length());
        pages.set(first, last);
    }

    static BitSet bits(int... indices) {
        BitSet set = new BitSet();
        for (int index : indices) {
            set.set(index);
        }
        return set;
    }

    @Override
    public void close() throws Exception {
        pagemap.close();
        uffd.close();
        memory.close();
        if (file != null) {
            file.close();
        }
        if (tmpfs != null) {
            tmpfs.close();
        }
    }
}
