package dev.ferry.pager;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.GuestPages;
import dev.ferry.qemu.QemuRamBlock;
import dev.ferry.sys.Errno;
import dev.ferry.sys.NativeBuffer;
import dev.ferry.sys.RamFile;
import dev.ferry.sys.SysException;
import dev.ferry.sys.Userfaultfd;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The memory of an arriving guest, for real: bytes go into the RAM file by pwrite, pages are mapped in QEMU through its
 * userfaultfd. Any thread. This is the one place where results of UFFDIO_* are interpreted.
 */
final class UffdPages implements GuestPages {
    private static final int BASE_PAGE_BYTES = 4096;
    private static final int ZERO_BYTES = 1 << 20;
    private static final int POISON_BYTES = 1 << 30;
    private static final ByteBuffer ZEROS = NativeBuffer.allocate(ZERO_BYTES);

    private final Userfaultfd uffd;
    private final long[] hostAddress;
    private final RamFile[] file;
    private final long[] fileOffset;

    /** What UFFDIO_CONTINUE, UFFDIO_ZEROPAGE and UFFDIO_POISON are for. */
    @FunctionalInterface
    private interface Install {
        long install(long address, long lengthBytes);
    }

    private final Install continues;
    private final Install zeroes;
    private final Install poisons;

    /**
     * @param blocks guest RAM, by index
     * @param files one a block, open for writing
     */
    UffdPages(Userfaultfd uffd, List<QemuRamBlock> blocks, List<RamFile> files) {
        this.uffd = uffd;
        this.continues = uffd::continueRange;
        this.zeroes = uffd::zeroPage;
        this.poisons = uffd::poison;
        this.hostAddress = blocks.stream().mapToLong(QemuRamBlock::hostAddress).toArray();
        this.fileOffset =
                blocks.stream().mapToLong(b -> b.backing().offsetBytes()).toArray();
        this.file = files.toArray(RamFile[]::new);
    }

    /** All that can be is, whatever fails; the first failure is thrown then. */
    static void unregister(Userfaultfd uffd, List<QemuRamBlock> blocks) {
        RuntimeException failure = null;
        for (QemuRamBlock b : blocks) {
            try {
                uffd.unregister(b.hostAddress(), b.block().lengthBytes());
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void write(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
        file[block.index()].write(
                fileOffset[block.index()] + block.offsetOf(firstPage),
                NativeBuffer.address(data) + index,
                (long) pages * block.pageSizeBytes());
    }

    @Override
    public void writeZeros(RamBlock block, long firstPage, long pages) {
        long offset = fileOffset[block.index()] + block.offsetOf(firstPage);
        long left = pages * block.pageSizeBytes();
        while (left > 0) {
            long n = Math.min(left, ZERO_BYTES);
            file[block.index()].write(offset, NativeBuffer.address(ZEROS), n);
            offset += n;
            left -= n;
        }
    }

    @Override
    public void map(RamBlock block, long firstPage, int pages) {
        place(block, firstPage, pages, continues);
    }

    @Override
    public void mapAhead(RamBlock block, long firstPage, int pages) {
        int size = block.pageSizeBytes();
        long at = hostAddress[block.index()] + block.offsetOf(firstPage);
        long end = at + (long) pages * size;
        while (at < end) {
            long done = uffd.continueRange(at, end - at);
            if (done == -Errno.ESRCH) {
                return;
            }
            if (done != -Errno.EAGAIN) {
                at += done > 0 ? done : size;
            }
        }
    }

    @Override
    public void poison(RamBlock block, long firstPage, long pages) {
        int atOnce = Math.max(1, POISON_BYTES / block.pageSizeBytes());
        for (long page = firstPage; page < firstPage + pages; page += atOnce) {
            place(block, page, (int) Math.min(atOnce, firstPage + pages - page), poisons);
        }
    }

    /** hugetlbfs has no zero page to map: there the hole is filled, which changes nothing that is in the file already. */
    @Override
    public void mapZero(RamBlock block, long page) {
        int size = block.pageSizeBytes();
        if (size == BASE_PAGE_BYTES) {
            place(block, page, 1, zeroes);
            return;
        }
        file[block.index()].allocate(fileOffset[block.index()] + block.offsetOf(page), size);
        place(block, page, 1, continues);
    }

    /**
     * Goes on after partial results. EEXIST: mapped already by somebody else's fault, so whoever waits is only woken; or, for
     * a zero page, in the file after all, as part of a large folio, and only waking would make it fault for ever. EAGAIN: the
     * address space was changing. ENOENT: a part of the range is not registered any more, so page by page. ESRCH: the process
     * is gone; nobody waits there any more.
     */
    private void place(RamBlock block, long firstPage, int pages, Install how) {
        int size = block.pageSizeBytes();
        long at = hostAddress[block.index()] + block.offsetOf(firstPage);
        long end = at + (long) pages * size;
        long atOnce = end - at;
        while (at < end) {
            long done = how.install(at, Math.min(atOnce, end - at));
            if (done > 0) {
                at += done;
                continue;
            }
            switch ((int) -done) {
                case Errno.EEXIST -> {
                    if (how != zeroes || continues.install(at, size) < 0) {
                        uffd.wake(at, size);
                    }
                    at += size;
                }
                case 0, Errno.EAGAIN -> Thread.onSpinWait();
                case Errno.ENOENT -> {
                    at += atOnce == size ? size : 0;
                    atOnce = size;
                }
                case Errno.ESRCH -> {
                    return;
                }
                case Errno.ENOMEM, Errno.ENOSPC ->
                    throw new FerryException(
                            ErrorCategory.RESOURCE_EXHAUSTED,
                            "no memory to map page " + firstPage + " of RAM block " + block.name());
                default ->
                    throw new SysException(
                            "UFFDIO_CONTINUE/ZEROPAGE/POISON of page " + firstPage + " of RAM block " + block.name(),
                            (int) -done);
            }
        }
    }
}
