package dev.ferry.precopy;

import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import java.util.List;

/**
 * What the source knows of the destination's pages. A page is <em>sent</em> when its newest known content went out, and
 * <em>stale</em> when only older content did. Bits change atomically: in post-copy the demand path claims pages too.
 */
public final class SentPages {
    private final List<RamBlock> blocks;
    private final PageBitmap[] sent;
    private final PageBitmap[] stale;

    /** Written at least once, and at least twice, as the dirty syncs saw it. */
    private final PageBitmap[] written;

    private final PageBitmap[] hot;

    /** Sent since the destination last said that everything is placed. */
    private final PageBitmap[] unconfirmed;

    /** With O_DIRECT disks: everything that was ever harvested; empty otherwise. */
    private PageBitmap[] distrusted = {};

    /** @param blocks in the order of their indices, which count up from 0 */
    public SentPages(List<RamBlock> blocks) {
        this.blocks = List.copyOf(blocks);
        this.sent = bitmaps();
        this.stale = bitmaps();
        this.written = bitmaps();
        this.hot = bitmaps();
        this.unconfirmed = bitmaps();
    }

    private PageBitmap[] bitmaps() {
        return blocks.stream().map(b -> PageBitmap.allocate(b.pageCount())).toArray(PageBitmap[]::new);
    }

    public List<RamBlock> blocks() {
        return blocks;
    }

    /** Before the pages are read: whatever is written from then on is harvested later. */
    public void markSent(RamBlock block, long firstPage, long pages) {
        unconfirmed[block.index()].setRange(firstPage, pages);
        stale[block.index()].clearRange(firstPage, pages);
        sent[block.index()].setRange(firstPage, pages);
    }

    /** The destination has placed everything that was sent until now. */
    public void confirm() {
        for (RamBlock block : blocks) {
            unconfirmed[block.index()].clearRange(0, block.pageCount());
        }
    }

    /**
     * In pre-copy the connection was lost: nobody knows what of all that was sent since {@link #confirm} has arrived, and what
     * the destination calls valid may be the version before.
     */
    public void distrustUnconfirmed() {
        for (RamBlock block : blocks) {
            unconfirmed[block.index()].forEachSetRun(
                    0, block.pageCount(), block.pageCount(), (first, pages) -> distrust(block, first, pages));
        }
        confirm();
    }

    /**
     * In pre-copy: the destination may have these pages, or an older version of them, or nothing. Stale as well as unsent: what is
     * not sent again before the switch must not be taken for valid there.
     */
    public void distrust(RamBlock block, long firstPage, long pages) {
        stale[block.index()].setRange(firstPage, pages);
        sent[block.index()].clearRange(firstPage, pages);
    }

    /** Takes unsent pages from the first on for sending, in post-copy, until one that somebody took before; how many. */
    public int claimRun(RamBlock block, long firstPage, int atMost) {
        return sent[block.index()].setRun(firstPage, atMost);
    }

    /**
     * From here a page that was written once is never taken as sent for good: DMA into a page that was pinned before a dirty
     * sync may end after it, and is not seen by the write protection. Such pages are fetched after the stop, when no request is
     * under way. Only guest RAM.
     */
    public void distrustDirtyPages() {
        distrusted = bitmaps();
    }

    /** After the stop and the last dirty sync: what cannot be trusted is dirty. */
    public void markDistrustedDirty() {
        for (int i = 0; i < distrusted.length; i++) {
            RamBlock block = blocks.get(i);
            if (!block.guestRam()) {
                continue;
            }
            distrusted[i].forEachSetRun(
                    0, block.pageCount(), block.pageCount(), (first, pages) -> markDirty(block, first, pages));
        }
    }

    /** Pages were written on the source: those that had gone out are stale. */
    public void markDirty(RamBlock block, long firstPage, long pages) {
        PageBitmap s = sent[block.index()];
        s.forEachSetRun(firstPage, firstPage + pages, pages, stale[block.index()]::setRange);
        s.clearRange(firstPage, pages);
        PageBitmap w = written[block.index()];
        w.forEachSetRun(firstPage, firstPage + pages, pages, hot[block.index()]::setRange);
        w.setRange(firstPage, pages);
        if (distrusted.length > 0) {
            distrusted[block.index()].setRange(firstPage, pages);
        }
    }

    public void forEachStale(RamBlock block, PageBitmap.RunConsumer consumer) {
        stale[block.index()].forEachSetRun(0, block.pageCount(), block.pageCount(), consumer);
    }

    public void forEachUnsent(RamBlock block, PageBitmap.RunConsumer consumer) {
        long page = nextUnsent(block, 0);
        while (page >= 0) {
            long next = sent[block.index()].nextSet(page);
            long end = next < 0 ? block.pageCount() : next;
            consumer.accept(page, end - page);
            page = nextUnsent(block, end);
        }
    }

    /** The first page at or after {@code from} whose newest known content has not gone out, or −1. */
    public long nextUnsent(RamBlock block, long from) {
        return from >= block.pageCount() ? -1 : sent[block.index()].nextClear(from);
    }

    /** The first unsent page in {@code [from, to)}, or −1. */
    public long nextUnsent(RamBlock block, long from, long to) {
        return sent[block.index()].nextClear(from, to);
    }

    /** The first unsent page at or after {@code from} that was written more than once, or −1. */
    public long nextHotUnsent(RamBlock block, long from) {
        PageBitmap h = hot[block.index()];
        PageBitmap s = sent[block.index()];
        long page = h.nextSet(from);
        while (page >= 0 && s.get(page)) {
            page = h.nextSet(page + 1);
        }
        return page;
    }

    /** Where the run of pages written more than once that goes through this page ends, at most {@code most} pages on. */
    public long hotRunEnd(RamBlock block, long page, int most) {
        long limit = Math.min(block.pageCount(), page + most);
        long end = hot[block.index()].nextClear(page, limit);
        return end < 0 ? limit : end;
    }

    /** Length of the unsent run that starts here, at most {@code atMost}. */
    public int unsentRun(RamBlock block, long page, int atMost) {
        long limit = Math.min(block.pageCount(), page + atMost);
        long next = sent[block.index()].nextSet(page, limit);
        return (int) ((next < 0 ? limit : next) - page);
    }

    /** After a reconnect the destination's own list is the truth: everything is sent but what it lacks. */
    public void resetToAllSent(RamBlock block) {
        markSent(block, 0, block.pageCount());
    }

    public void markUnsent(RamBlock block, long firstPage, long pages) {
        sent[block.index()].clearRange(firstPage, pages);
    }

    /** Bytes that the destination does not have in their newest known content. */
    public long unsentBytes() {
        long bytes = 0;
        for (RamBlock block : blocks) {
            bytes += (block.pageCount() - sent[block.index()].cardinality()) * block.pageSizeBytes();
        }
        return bytes;
    }
}
