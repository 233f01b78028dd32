package dev.ferry.migration;

import dev.ferry.memory.RamBlock;
import dev.ferry.precopy.SentPages;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Which unsent pages go next: around the last faults first, where the guest is at work, several places by turns; then those
 * that pre-copy saw written again and again; then the rest, ascending. What it names it has claimed, so the push and the demand
 * path do not send a page twice. {@link #fault} is called on the demand connection's event loop, the rest by the push.
 */
final class PushOrder {
    /** Places where the guest is at work; about as many as it has busy vCPUs. */
    private static final int PLACES = 8;

    /** A fault so near to a place belongs to it: the guest goes through its memory in order. */
    private static final int NEAR_PAGES = 256;

    /** Pages before the first fault of a place that go with it. */
    private static final int BEFORE_PAGES = 8;

    /** A place is left where so many pages in a row have nothing unsent. */
    private static final int BARREN_PAGES = 1024;

    private static final int FAULTS = 64;
    private static final long NOWHERE = -1;

    private final SentPages sent;

    /** The last faults: block index shifted left by 48, or page. */
    private final AtomicLongArray faults = new AtomicLongArray(FAULTS);

    private final AtomicLong faultCount = new AtomicLong();
    private final long[] place = new long[PLACES];
    private long faultsSeen;
    private int turn;
    private int oldest;
    private int hotBlock;
    private long hotPage;
    private int restBlock;
    private long restPage;

    private int most;
    private RamBlock block;
    private long firstPage;
    private int pages;

    PushOrder(SentPages sent) {
        this.sent = sent;
        java.util.Arrays.fill(place, NOWHERE);
    }

    /** Somebody waits for this page, which is on its way already. */
    void fault(RamBlock at, long page) {
        long n = faultCount.get();
        faults.set((int) (n % FAULTS), key(at.index(), page));
        faultCount.set(n + 1);
    }

    /** Claims the next run, at most so many bytes but at least a page; false: every page was sent. */
    boolean next(int mostBytes) {
        lookAtFaults();
        most = mostBytes;
        return atAPlace() || hot() || rest();
    }

    /** Whether every page was sent, by whomever. Claims nothing. */
    boolean isDone() {
        for (; restBlock < sent.blocks().size(); restBlock++, restPage = 0) {
            restPage = sent.nextUnsent(sent.blocks().get(restBlock), restPage);
            if (restPage >= 0) {
                return false;
            }
        }
        return true;
    }

    RamBlock block() {
        return block;
    }

    long firstPage() {
        return firstPage;
    }

    int pages() {
        return pages;
    }

    private void lookAtFaults() {
        long count = faultCount.get();
        faultsSeen = Math.max(faultsSeen, count - FAULTS);
        while (faultsSeen < count) {
            long at = faults.get((int) (faultsSeen++ % FAULTS));
            int known = near(at);
            if (known >= 0) {
                // It is ahead of the push there: go on behind it.
                place[known] = Math.max(place[known], at + 1);
            } else {
                place[oldest] = at - Math.min(BEFORE_PAGES, page(at));
                oldest = (oldest + 1) % PLACES;
            }
        }
    }

    private int near(long at) {
        for (int i = 0; i < PLACES; i++) {
            if (place[i] != NOWHERE && Math.abs(place[i] - at) <= NEAR_PAGES) {
                return i;
            }
        }
        return -1;
    }

    private boolean atAPlace() {
        for (int i = 0; i < PLACES; i++) {
            turn = (turn + 1) % PLACES;
            long at = place[turn];
            if (at == NOWHERE) {
                continue;
            }
            RamBlock in = sent.blocks().get((int) (at >>> 48));
            long next = sent.nextUnsent(in, page(at), Math.min(in.pageCount(), page(at) + BARREN_PAGES));
            if (next >= 0 && claim(in, next, most(in))) {
                place[turn] = key(in.index(), next + pages);
                return true;
            }
            place[turn] = NOWHERE;
        }
        return false;
    }

    private boolean hot() {
        for (; hotBlock < sent.blocks().size(); hotBlock++, hotPage = 0) {
            RamBlock in = sent.blocks().get(hotBlock);
            while ((hotPage = sent.nextHotUnsent(in, hotPage)) >= 0) {
                long end = sent.hotRunEnd(in, hotPage, most(in));
                if (claim(in, hotPage, (int) (end - hotPage))) {
                    hotPage += pages;
                    return true;
                }
            }
        }
        return false;
    }

    private boolean rest() {
        for (; restBlock < sent.blocks().size(); restBlock++, restPage = 0) {
            RamBlock in = sent.blocks().get(restBlock);
            while ((restPage = sent.nextUnsent(in, restPage)) >= 0) {
                if (claim(in, restPage, most(in))) {
                    restPage += pages;
                    return true;
                }
            }
        }
        return false;
    }

    private boolean claim(RamBlock in, long first, int atMost) {
        block = in;
        firstPage = first;
        pages = sent.claimRun(in, first, atMost);
        return pages > 0;
    }

    private int most(RamBlock in) {
        return Math.max(1, most / in.pageSizeBytes());
    }

    private static long key(int block, long page) {
        return ((long) block << 48) | page;
    }

    private static long page(long key) {
        return key & 0xffff_ffff_ffffL;
    }
}
