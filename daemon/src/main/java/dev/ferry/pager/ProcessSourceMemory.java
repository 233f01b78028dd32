package dev.ferry.pager;

import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.memory.RunList;
import dev.ferry.precopy.SourceMemory;
import dev.ferry.qemu.QemuGuest;
import dev.ferry.qemu.QemuRamBlock;
import dev.ferry.qemu.QemuRamBlock.Kind;
import dev.ferry.sys.NativeBuffer;
import dev.ferry.sys.Pagemap;
import dev.ferry.sys.ProcessMemory;
import dev.ferry.sys.RamFile;
import dev.ferry.sys.RemoteUserfaultfd;
import dev.ferry.sys.Userfaultfd;
import dev.ferry.sys.WriteTracking;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The memory of a running QEMU: written pages by a userfaultfd with WP_ASYNC and PAGEMAP_SCAN, bytes from its RAM file where
 * there is one, else from its address space. Reading: any thread. The rest: the migration's thread.
 */
final class ProcessSourceMemory implements SourceMemory, AutoCloseable {
    private static final int BASE_PAGE_BYTES = 4096;

    private final QemuGuest guest;
    private final int pid;
    private final List<QemuRamBlock> blocks;

    /** By block; null for private memory. */
    private final RamFile[] files;

    private final WriteTracking[] tracking;

    private final ProcessMemory.Gather gather = new ProcessMemory.Gather(RunList.MAX_RUNS);
    private RemoteUserfaultfd.Injected injected;
    private Pagemap pagemap;

    ProcessSourceMemory(QemuGuest guest) {
        this.guest = guest;
        this.pid = guest.process().pid();
        this.blocks = guest.blocks();
        this.files = new RamFile[blocks.size()];
        this.tracking = new WriteTracking[blocks.size()];
        for (int i = 0; i < files.length; i++) {
            if (blocks.get(i).backing().kind() != Kind.PRIVATE) {
                files[i] = RamFile.open(blocks.get(i).backing().openPath(), false);
            }
        }
    }

    /** What fails half way is undone. */
    @Override
    public void startTracking() {
        if (injected != null) {
            throw new IllegalStateException("writes of " + guest.name() + " are tracked already");
        }
        injected = guest.injectUserfaultfd();
        try {
            track();
        } catch (RuntimeException | Error e) {
            try {
                stopTracking();
            } catch (RuntimeException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
    }

    private void track() {
        injected.local()
                .api(Userfaultfd.FEATURE_WP_ASYNC
                        | Userfaultfd.FEATURE_WP_UNPOPULATED
                        | Userfaultfd.FEATURE_WP_HUGETLBFS_SHMEM);
        pagemap = Pagemap.open(pid);
        for (QemuRamBlock b : blocks) {
            WriteTracking of = tracking(b);
            tracking[b.block().index()] = of;
            // All of a private mapping of a file is read, and what was read looks as if it were new.
            if (b.block().pageSizeBytes() == BASE_PAGE_BYTES && !b.backing().readsFile()) {
                of.start();
            } else {
                of.startWhole();
            }
        }
    }

    private WriteTracking tracking(QemuRamBlock b) {
        RamFile file = files[b.block().index()];
        long lengthBytes = b.block().lengthBytes();
        return file == null
                ? WriteTracking.ofPrivate(injected.local(), pagemap, b.hostAddress(), lengthBytes)
                : WriteTracking.ofFile(
                        injected.local(),
                        pagemap,
                        b.hostAddress(),
                        lengthBytes,
                        file,
                        b.backing().offsetBytes());
    }

    @Override
    public void forEachPopulated(RamBlock block, PageBitmap.RunConsumer consumer) {
        QemuRamBlock at = blocks.get(block.index());
        RamFile file = files[block.index()];
        if (file == null) {
            if (at.backing().readsFile()) {
                consumer.accept(0, block.pageCount());
                return;
            }
            pagemap.populated(at.hostAddress(), at.hostAddress() + block.lengthBytes(), pages(at, consumer));
            return;
        }
        long from = at.backing().offsetBytes();
        long to = from + block.lengthBytes();
        file.populated((start, end) -> {
            long first = Math.max(start, from);
            long last = Math.min(end, to);
            if (first < last) {
                long page = (first - from) / block.pageSizeBytes();
                long endPage = (last - from + block.pageSizeBytes() - 1) / block.pageSizeBytes();
                consumer.accept(page, endPage - page);
            }
        });
    }

    @Override
    public void harvest(RamBlock block, PageBitmap.RunConsumer consumer) {
        tracking[block.index()].harvest(pages(blocks.get(block.index()), consumer));
    }

    @Override
    public void read(RamBlock block, long firstPage, int pages, ByteBuffer into, int index) {
        QemuRamBlock at = blocks.get(block.index());
        long lengthBytes = (long) pages * block.pageSizeBytes();
        if (index < 0 || lengthBytes > into.capacity() - index) {
            throw new IllegalArgumentException(pages + " pages into " + into + " at " + index);
        }
        long local = NativeBuffer.address(into) + index;
        long offset = block.offsetOf(firstPage);
        RamFile file = files[block.index()];
        if (file == null) {
            ProcessMemory.read(pid, at.hostAddress() + offset, local, lengthBytes);
        } else {
            file.read(at.backing().offsetBytes() + offset, local, lengthBytes);
        }
    }

    /** Private memory: all runs in one system call. */
    @Override
    public void read(RamBlock block, RunList runs, ByteBuffer into) {
        if (files[block.index()] != null || runs.size() == 1) {
            SourceMemory.super.read(block, runs, into);
            return;
        }
        if (runs.totalPages() * block.pageSizeBytes() > into.capacity()) {
            throw new IllegalArgumentException(runs.totalPages() + " pages into " + into);
        }
        long base = blocks.get(block.index()).hostAddress();
        gather.clear();
        for (int i = 0; i < runs.size(); i++) {
            gather.add(base + block.offsetOf(runs.firstPage(i)), runs.pageCount(i) * block.pageSizeBytes());
        }
        gather.read(pid, NativeBuffer.address(into));
    }

    @Override
    public void stopTracking() {
        if (injected == null) {
            return;
        }
        RemoteUserfaultfd.Injected mine = injected;
        Pagemap scanned = pagemap;
        injected = null;
        pagemap = null;
        try (Userfaultfd uffd = mine.local()) {
            if (guest.process().isAlive()) {
                try {
                    UffdPages.unregister(uffd, blocks);
                } finally {
                    // Nobody ever waits on this one, so with its last descriptor goes whatever is still registered.
                    RemoteUserfaultfd.closeRemote(guest.process(), mine.remoteFd());
                }
            }
        } finally {
            if (scanned != null) {
                scanned.close();
            }
        }
    }

    @Override
    public void close() {
        for (RamFile file : files) {
            if (file != null) {
                file.close();
            }
        }
    }

    private static Pagemap.RegionConsumer pages(QemuRamBlock at, PageBitmap.RunConsumer consumer) {
        int size = at.block().pageSizeBytes();
        return (start, end) -> {
            long first = (start - at.hostAddress()) / size;
            consumer.accept(first, (end - at.hostAddress() + size - 1) / size - first);
        };
    }
}
