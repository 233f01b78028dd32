package dev.ferry.precopy;

import dev.ferry.memory.RamBlock;
import dev.ferry.memory.RunList;
import java.nio.ByteBuffer;

/**
 * Gathers runs of pages into batches, reads them from the guest and sends them, zero pages as runs. Owned by one thread, with
 * its own buffer. Used by the rounds of pre-copy and by the background push.
 */
public final class PageSender {
    /** Bulk runs best at 64 to 256 KiB a message. */
    public static final int BATCH_BYTES = 256 * 1024;

    private final SourceMemory memory;
    private PageSink sink;
    private final ByteBuffer buffer;
    private final RunList wanted = new RunList();
    private final RunList found = new RunList();
    private RamBlock block;
    private long pagesSent;
    private long zeroPagesSent;

    public PageSender(SourceMemory memory, PageSink sink, int largestPageBytes) {
        this.memory = memory;
        this.sink = sink;
        this.buffer = ByteBuffer.allocateDirect(Math.max(BATCH_BYTES, largestPageBytes));
    }

    /** Over another connection from now on; what waited for a full batch is dropped. */
    void restart(PageSink to) {
        sink = to;
        wanted.clear();
        found.clear();
        block = null;
    }

    /** How many pages of this block go into one batch. */
    public static int batchPages(RamBlock block) {
        return Math.max(1, BATCH_BYTES / block.pageSizeBytes());
    }

    /**
     * Takes pages, at most {@link #batchPages}, which are read and sent when a batch is full, or when pages come that lie before
     * those; true if one was sent.
     */
    public boolean add(RamBlock of, long firstPage, int pages) {
        boolean sent = false;
        if (block == null
                || of.index() != block.index()
                || firstPage < wanted.endPage()
                || wanted.isFull()
                || wanted.totalPages() + pages > batchPages(of)) {
            sent = flush();
            block = of;
        }
        wanted.add(firstPage, pages, false);
        return sent;
    }

    /** What waits for a full batch. */
    public int bytesWaiting() {
        return block == null ? 0 : (int) wanted.totalPages() * block.pageSizeBytes();
    }

    /** Sends what waits; true if something did. */
    public boolean flush() {
        if (wanted.size() == 0) {
            return false;
        }
        memory.read(block, wanted, buffer);
        int size = block.pageSizeBytes();
        int from = 0;
        int to = 0;
        found.clear();
        for (int i = 0; i < wanted.size(); i++) {
            long page = wanted.firstPage(i);
            long end = page + wanted.pageCount(i);
            while (page < end) {
                if (found.isFull()) {
                    send(to);
                    to = 0;
                }
                boolean zero = ZeroPages.isZero(buffer, from, size);
                int n = 1;
                while (page + n < end && ZeroPages.isZero(buffer, from + n * size, size) == zero) {
                    n++;
                }
                found.add(page, n, zero);
                if (zero) {
                    zeroPagesSent += n;
                } else {
                    if (to != from) {
                        buffer.put(to, buffer, from, n * size);
                    }
                    to += n * size;
                    pagesSent += n;
                }
                from += n * size;
                page += n;
            }
        }
        wanted.clear();
        send(to);
        return true;
    }

    private void send(int dataBytes) {
        sink.send(block, found, buffer, dataBytes);
        found.clear();
    }

    /** Pages with content, so far. */
    public long pagesSent() {
        return pagesSent;
    }

    public long zeroPagesSent() {
        return zeroPagesSent;
    }
}
