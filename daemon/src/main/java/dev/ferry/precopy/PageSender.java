package dev.ferry.precopy;

import dev.ferry.memory.RamBlock;
import java.nio.ByteBuffer;

/**
 * Reads runs of pages from the guest and sends them in batches, zero pages as runs. Owned by one thread, with its own
 * buffer. Used by the rounds of pre-copy and by the background push.
 */
public final class PageSender {
    /** Bulk runs best at 64 to 256 KiB a message. */
    private static final int BATCH_BYTES = 256 * 1024;

    private final SourceMemory memory;
    private final PageSink sink;
    private final ByteBuffer buffer;
    private final ByteBuffer run;
    private long pagesSent;
    private long zeroPagesSent;

    public PageSender(SourceMemory memory, PageSink sink, int largestPageBytes) {
        this.memory = memory;
        this.sink = sink;
        int capacity = Math.max(BATCH_BYTES, largestPageBytes);
        this.buffer = ByteBuffer.allocateDirect(capacity);
        this.run = ByteBuffer.allocateDirect(capacity);
    }

    /** How many pages of this block go into one batch. */
    public static int batchPages(RamBlock block) {
        return Math.max(1, BATCH_BYTES / block.pageSizeBytes());
    }

    /** Reads and sends one batch: at most {@link #batchPages} pages. */
    public void sendBatch(RamBlock block, long firstPage, int pages) {
        int size = block.pageSizeBytes();
        memory.read(block, firstPage, pages, buffer);
        int page = 0;
        while (page < pages) {
            boolean zero = ZeroPages.isZero(buffer, page * size, size);
            int end = page + 1;
            while (end < pages && ZeroPages.isZero(buffer, end * size, size) == zero) {
                end++;
            }
            if (zero) {
                sink.sendZero(block, firstPage + page, end - page);
                zeroPagesSent += end - page;
            } else {
                sink.send(block, firstPage + page, end - page, fromIndex(page * size, (end - page) * size));
                pagesSent += end - page;
            }
            page = end;
        }
    }

    /** Pages with content, so far. */
    public long pagesSent() {
        return pagesSent;
    }

    public long zeroPagesSent() {
        return zeroPagesSent;
    }

    private ByteBuffer fromIndex(int index, int lengthBytes) {
        if (index == 0) {
            return buffer;
        }
        run.put(0, buffer, index, lengthBytes);
        return run;
    }
}
