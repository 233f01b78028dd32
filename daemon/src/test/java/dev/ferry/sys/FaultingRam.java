package dev.ferry.sys;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/** A RAM file that is mapped here and registered with a userfaultfd. Touched by system calls only: see {@link KernelTouch}. */
public final class FaultingRam implements AutoCloseable {
    public static final int PAGE_BYTES = PageSize.BASE;
    public static final int HUGE_PAGE_BYTES = 2 << 20;

    private static final int LIMIT_MS = 10_000;
    private static final int PROT_NONE = 0;
    private static final int MAP_PRIVATE_FIXED_ANONYMOUS = 0x32;

    private final AutoCloseable hugePages;
    private final MountedFs fileSystem;
    private final RamFile file;
    private final Mapping memory;
    private final Userfaultfd uffd;
    private final ByteBuffer events = NativeBuffer.allocate(Userfaultfd.EVENT_SIZE_BYTES);

    private FaultingRam(AutoCloseable hugePages, MountedFs fileSystem, long lengthBytes, long features) {
        this.hugePages = hugePages;
        this.fileSystem = fileSystem;
        this.file = RamFile.create(fileSystem.file("ram"), lengthBytes);
        this.memory = file.mapRaw();
        this.uffd = Userfaultfd.create();
        uffd.api(features);
        uffd.register(memory.address(), lengthBytes, Userfaultfd.MODE_MISSING | Userfaultfd.MODE_MINOR);
    }

    /** @param options of the mount */
    public static FaultingRam onTmpfs(String options, long lengthBytes) throws Exception {
        return new FaultingRam(
                () -> {},
                MountedFs.mount("tmpfs", options),
                lengthBytes,
                Userfaultfd.FEATURE_MISSING_SHMEM | Userfaultfd.FEATURE_MINOR_SHMEM);
    }

    public static FaultingRam onHugePages(int pages) throws Exception {
        HugePages allowed = HugePages.allow(pages);
        return new FaultingRam(
                allowed,
                MountedFs.mount("hugetlbfs", "pagesize=2M"),
                (long) pages * HUGE_PAGE_BYTES,
                Userfaultfd.FEATURE_MISSING_HUGETLBFS | Userfaultfd.FEATURE_MINOR_HUGETLBFS);
    }

    public RamFile file() {
        return file;
    }

    public Userfaultfd uffd() {
        return uffd;
    }

    public long address() {
        return memory.address();
    }

    /** The bytes, when they are there. */
    public CompletableFuture<byte[]> readLater(long offsetBytes, int lengthBytes) {
        return KernelTouch.readLater(address() + offsetBytes, lengthBytes);
    }

    /** Offset of the next fault. */
    public long awaitFault() {
        if (uffd.readEvents(events, LIMIT_MS, -1) != 1) {
            throw new AssertionError("no fault");
        }
        return Userfaultfd.pagefaultAddress(events, 0) - address();
    }

    /** Faults that are there now. */
    public int faults() {
        return uffd.readEventsNow(events);
    }

    /** Something else is mapped there, as after an unmapping; nobody else can take the place meanwhile. */
    public void replace(long offsetBytes, long lengthBytes) {
        Syscalls.check(
                Syscalls.call(
                        Syscalls.MMAP,
                        address() + offsetBytes,
                        lengthBytes,
                        PROT_NONE,
                        MAP_PRIVATE_FIXED_ANONYMOUS,
                        -1,
                        0),
                "mmap");
    }

    @Override
    public void close() throws Exception {
        // First of all: whoever still waits goes on.
        uffd.close();
        memory.close();
        file.close();
        try (hugePages;
                fileSystem) {
            java.nio.file.Files.delete(fileSystem.directory().resolve("ram"));
        }
    }
}
