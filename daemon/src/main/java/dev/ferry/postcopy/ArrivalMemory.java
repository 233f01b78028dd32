package dev.ferry.postcopy;

import dev.ferry.base.NanoClock;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Decides about every page of an arriving guest. Before {@link #arm} pages are only written (a newer version over an older
 * one) and nothing is mapped; from then on a page that is valid is never written again, because the guest may have written
 * it. Four bitmaps a block:
 *
 * <ul>
 *   <li><em>valid</em>: complete, newest content (also: known to be zero); set only after the bytes are in place
 *   <li><em>written</em>: the page exists in the RAM file; a valid page without it is a hole that reads as zero
 *   <li><em>claimed</em>: somebody is writing it or has: once armed, only who sets this bit may write, and only a page that
 *       is not valid. What was valid before is not marked: arming costs nothing
 *   <li><em>requested</em>: a vCPU waits for it, or it came damaged
 * </ul>
 *
 * and, once the missing pages were given up, a fifth: <em>poisoned</em>, which are claimed for ever and never become valid.
 *
 * The bitmaps are the only state that fault readers and page receivers share. A reader sets <em>requested</em> and then
 * looks at <em>valid</em> again; a receiver sets <em>valid</em> and then looks at <em>requested</em>: one of them sees the
 * other, so no waiter is forgotten.
 */
public final class ArrivalMemory {
    private static final int FAULT_AROUND_PAGES = 16;

    private final GuestPages pages;
    private final PageBitmap[] valid;
    private final PageBitmap[] written;
    private final PageBitmap[] claimed;
    private final PageBitmap[] requested;
    private final List<RamBlock> blocks;
    private final NanoClock clock;
    private final PendingFaults pending = new PendingFaults();
    private final FaultLatency latency = new FaultLatency();
    private final ArrivalCounters counters = new ArrivalCounters();
    private volatile boolean armed;

    /** Null until {@link #poison}. */
    private volatile PageBitmap[] poisoned;

    private volatile boolean damagedBeforeArm;
    private volatile Throwable failure;
    private volatile PageRequester requester = (block, first, count) -> {};

    /**
     * @param blocks guest RAM only, by index
     * @param valid one a block; may be over a file that outlives the daemon
     * @param written likewise
     */
    public ArrivalMemory(
            List<RamBlock> blocks, PageBitmap[] valid, PageBitmap[] written, GuestPages pages, NanoClock clock) {
        this.blocks = List.copyOf(blocks);
        this.valid = valid.clone();
        this.written = written.clone();
        this.pages = pages;
        this.clock = clock;
        this.claimed =
                blocks.stream().map(b -> PageBitmap.allocate(b.pageCount())).toArray(PageBitmap[]::new);
        this.requested =
                blocks.stream().map(b -> PageBitmap.allocate(b.pageCount())).toArray(PageBitmap[]::new);
    }

    public ArrivalCounters counters() {
        return counters;
    }

    public FaultLatency latency() {
        return latency;
    }

    /** Stale pages, before {@link #arm}: their bytes stay where they are, nothing is punched. */
    public void invalidate(RamBlock block, long firstPage, long count) {
        if (armed) {
            throw new IllegalStateException("stale pages after the switch");
        }
        valid[block.index()].clearRange(firstPage, count);
    }

    /** From here faults are served and valid pages belong to the guest. Everything that was sent before must have been placed. */
    public void arm() {
        armed = true;
        if (damagedBeforeArm) {
            serveWaiting();
        }
    }

    public boolean isArmed() {
        return armed;
    }

    /** A new way to the source. Whoever waits is asked for again. */
    public void connect(PageRequester to) {
        requester = to;
        if (armed) { // before that the source's guest runs: an answer could be older than what comes in order
            serveWaiting();
        }
    }

    /**
     * Pages came damaged and were not written. Before {@link #arm} an older version is not valid any more, and they are asked for
     * then; afterwards at once. On a stream's event loop.
     */
    public void damaged(RamBlock block, long firstPage, long count) {
        int b = block.index();
        if (!armed) {
            valid[b].clearRange(firstPage, count);
            requested[b].setRange(firstPage, count);
            damagedBeforeArm = true;
            return;
        }
        for (long page = firstPage; page < firstPage + count; page++) {
            requested[b].set(page);
            if (!valid[b].get(page)) {
                ask(block, page);
            }
        }
    }

    /**
     * Gives up every page that is neither valid nor being written at this moment, for good: whoever waits for one gets a memory
     * error, and none that comes later is taken. Harmless twice; a second time takes what the first could not have.
     */
    public void poison() {
        synchronized (pages) {
            if (poisoned == null) {
                poisoned = blocks.stream()
                        .map(b -> PageBitmap.allocate(b.pageCount()))
                        .toArray(PageBitmap[]::new);
            }
            for (RamBlock block : blocks) {
                forEachMissing(block, (first, count) -> poisonUnclaimed(block, first, count));
            }
        }
    }

    private void poisonUnclaimed(RamBlock block, long first, long count) {
        int b = block.index();
        for (long page = first; page < first + count; ) {
            int n = claim(block, page, (int) Math.min(first + count - page, Integer.MAX_VALUE));
            if (n == 0) {
                page++;
                continue;
            }
            poisoned[b].setRange(page, n);
            try {
                pages.poison(block, page, n);
            } catch (RuntimeException | Error e) {
                poisoned[b].clearRange(page, n);
                claimed[b].clearRange(page, n);
                failure = e;
            }
            page += n;
        }
    }

    public long poisonedPages() {
        PageBitmap[] all = poisoned;
        long n = 0;
        for (int i = 0; all != null && i < all.length; i++) {
            n += all[i].cardinality();
        }
        return n;
    }

    private boolean isPoisoned(RamBlock block, long page) {
        PageBitmap[] all = poisoned;
        return all != null && all[block.index()].get(page);
    }

    /**
     * Now and then: what could not be mapped, for want of memory for example, or asked for, is tried once more.
     *
     * @return the failure that made it necessary, or null
     */
    public Throwable retry() {
        Throwable cause = failure;
        if (cause != null) {
            failure = null;
            serveWaiting();
        }
        return cause;
    }

    private void serveWaiting() {
        for (RamBlock block : blocks) {
            requested[block.index()].forEachSetRun(0, block.pageCount(), 1, (page, n) -> {
                if (isPoisoned(block, page)) {
                    poisonOne(block, page);
                } else if (!valid[block.index()].get(page)) {
                    ask(block, page);
                } else {
                    mapOne(block, page);
                }
            });
        }
    }

    /** Whether one of these pages was ever asked for. */
    public boolean wasRequested(RamBlock block, long firstPage, long count) {
        return requested[block.index()].nextSet(firstPage, firstPage + count) >= 0;
    }

    /** A thread of the guest waits for this page. On a fault reader's thread. */
    public void fault(RamBlock block, long page) {
        int b = block.index();
        if (valid[b].get(page)) {
            serveValid(block, page);
            return;
        }
        if (isPoisoned(block, page)) {
            poisonOne(block, page); // its mark went with a page table, for example
            return;
        }
        if (!requested[b].set(page)) {
            // Asked for already; but it may have been placed between the two looks.
            if (valid[b].get(page)) {
                serveValid(block, page);
            }
            return;
        }
        counters.remoteFaults.increment();
        pending.add(block, page, clock.nanoTime());
        if (valid[b].get(page)) {
            pending.remove(block, page);
            serveValid(block, page);
            return;
        }
        ask(block, page);
    }

    private void poisonOne(RamBlock block, long page) {
        try {
            pages.poison(block, page, 1);
        } catch (RuntimeException | Error e) {
            requested[block.index()].set(page);
            failure = e;
        }
    }

    /** It stays requested whatever happens here, and others have to be served. */
    private void ask(RamBlock block, long page) {
        try {
            requester.request(block, page, 1);
        } catch (RuntimeException | Error e) {
            failure = e;
        }
    }

    /** Pages with content arrived. {@code index} is where the first page begins in the direct buffer. */
    public void arrived(RamBlock block, long firstPage, int count, ByteBuffer data, int index, boolean demand) {
        if (!armed) {
            pages.write(block, firstPage, count, data, index);
            written[block.index()].setRange(firstPage, count);
            valid[block.index()].setRange(firstPage, count);
            return;
        }
        int i = 0;
        while (i < count) {
            int n = claim(block, firstPage + i, count - i);
            if (n == 0) {
                counters.duplicatePages.increment();
                i++;
                continue;
            }
            long first = firstPage + i;
            try {
                pages.write(block, first, n, data, index + i * block.pageSizeBytes());
            } catch (RuntimeException e) {
                claimed[block.index()].clearRange(first, n);
                throw e;
            }
            written[block.index()].setRange(first, n);
            valid[block.index()].setRange(first, n);
            (demand ? counters.demandPages : counters.pushedPages).add(n);
            wakeRequested(block, first, n);
            i += n;
        }
    }

    /** Claims pages that are neither valid nor claimed from this one on, until one that is; how many. */
    private int claim(RamBlock block, long firstPage, int atMost) {
        // A page never stops being valid once armed, and becomes valid only after it was claimed.
        long end = valid[block.index()].nextSet(firstPage, firstPage + atMost);
        return claimed[block.index()].setRun(firstPage, end < 0 ? atMost : (int) (end - firstPage));
    }

    /** Zero pages arrived. */
    public void arrivedZero(RamBlock block, long firstPage, long count, boolean demand) {
        int b = block.index();
        if (!armed) {
            written[b].forEachSetRun(
                    firstPage, firstPage + count, count, (page, n) -> pages.writeZeros(block, page, n));
            valid[b].setRange(firstPage, count);
            return;
        }
        for (long page = firstPage; page < firstPage + count; page++) {
            if (claim(block, page, 1) == 0) {
                counters.duplicatePages.increment();
                continue;
            }
            if (written[b].get(page)) {
                try {
                    pages.writeZeros(block, page, 1);
                } catch (RuntimeException e) {
                    claimed[b].clear(page);
                    throw e;
                }
            }
            valid[b].set(page);
            (demand ? counters.demandPages : counters.pushedPages).increment();
            wakeRequested(block, page, 1);
        }
    }

    /**
     * Maps what is valid in these pages before the guest touches it: a fault on such a page needs no network, but stops a vCPU
     * for 20 µs or more all the same. What becomes valid later is left to its fault.
     */
    public void mapAhead(RamBlock block, long firstPage, long count) {
        int b = block.index();
        long end = firstPage + count;
        for (long from = valid[b].nextSet(firstPage, end); from >= 0; ) {
            long to = valid[b].nextClear(from, end);
            long stop = to < 0 ? end : to;
            written[b].forEachSetRun(from, stop, count, (page, n) -> pages.mapAhead(block, page, (int) n));
            from = stop < end ? valid[b].nextSet(stop, end) : -1;
        }
    }

    public boolean isComplete() {
        for (RamBlock block : blocks) {
            if (valid[block.index()].nextClear(0) >= 0) {
                return false;
            }
        }
        return true;
    }

    public long missingPages() {
        long n = 0;
        for (RamBlock block : blocks) {
            n += block.pageCount() - valid[block.index()].cardinality();
        }
        return n;
    }

    public long missingBytes() {
        long bytes = 0;
        for (RamBlock block : blocks) {
            bytes += (block.pageCount() - valid[block.index()].cardinality()) * block.pageSizeBytes();
        }
        return bytes;
    }

    public void forEachMissing(RamBlock block, PageBitmap.RunConsumer consumer) {
        PageBitmap v = valid[block.index()];
        long page = v.nextClear(0);
        while (page >= 0) {
            long next = v.nextSet(page);
            long end = next < 0 ? block.pageCount() : next;
            consumer.accept(page, end - page);
            page = end >= block.pageCount() ? -1 : v.nextClear(end);
        }
    }

    public List<RamBlock> blocks() {
        return blocks;
    }

    private void serveValid(RamBlock block, long page) {
        int b = block.index();
        if (!written[b].get(page)) {
            counters.zeroFaults.increment();
            map(block, page, 0);
            return;
        }
        counters.localFaults.increment();
        int n = 1;
        while (n < FAULT_AROUND_PAGES
                && page + n < block.pageCount()
                && valid[b].get(page + n)
                && written[b].get(page + n)) {
            n++;
        }
        map(block, page, n);
    }

    private void mapOne(RamBlock block, long page) {
        map(block, page, written[block.index()].get(page) ? 1 : 0);
    }

    /** Whatever fails, the others are served. The waiter is not forgotten: see {@link #retry}. Of no pages: a zero page. */
    private void map(RamBlock block, long page, int count) {
        try {
            if (count == 0) {
                pages.mapZero(block, page);
            } else {
                pages.map(block, page, count);
            }
        } catch (RuntimeException | Error e) {
            requested[block.index()].set(page);
            failure = e;
        }
    }

    private void wakeRequested(RamBlock block, long first, int count) {
        int b = block.index();
        long end = first + count;
        for (long page = requested[b].nextSet(first, end); page >= 0; page = requested[b].nextSet(page + 1, end)) {
            mapOne(block, page);
            long start = pending.remove(block, page);
            if (start >= 0) {
                latency.record(clock.nanoTime() - start);
            }
        }
    }
}
