package dev.ferry.migration;

import dev.ferry.memory.RamBlock;
import dev.ferry.precopy.Commands;
import dev.ferry.precopy.Pacer;
import dev.ferry.precopy.PageSender;
import dev.ferry.precopy.SentPages;

/** Sends what is left after the switch: behind the last fault first, then on in order. Runs on the migration's thread. */
final class BackgroundPush {
    private static final long QUIET_WINDOW_BYTES = 4L << 20;
    private static final long BUSY_WINDOW_BYTES = 256L << 10;

    /** While somebody waits, batches are so much smaller: less is in front of a page that turns out to be wanted. */
    private static final int BUSY_SHARE = 4;

    /** Nothing can be asked of a migration after the commit. */
    private static final Commands NONE = new Commands() {
        @Override
        public void throwIfCancelled() {}

        @Override
        public boolean switchRequested() {
            return false;
        }
    };

    private final SentPages sent;
    private final SourcePages demand;
    private final PageSender sender;
    private final PeerLink link;
    private final PeerLink.BulkLink bulk;
    private final Pacer pacer;
    private final Runnable progress;

    BackgroundPush(
            SentPages sent,
            SourcePages demand,
            PageSender sender,
            PeerLink link,
            PeerLink.BulkLink bulk,
            Pacer pacer,
            Runnable progress) {
        this.sent = sent;
        this.demand = demand;
        this.sender = sender;
        this.link = link;
        this.bulk = bulk;
        this.pacer = pacer;
        this.progress = progress;
    }

    /** Returns when everything was sent and placed; throws UNAVAILABLE when the peer is gone. */
    void run() {
        int index = 0;
        long page = 0;
        int exhausted = 0;
        while (exhausted <= sent.blocks().size()) {
            link.throwIfBroken();
            long pivot = demand.takePivot();
            if (pivot >= 0) {
                index = (int) (pivot >>> 48);
                page = pivot & 0xffff_ffff_ffffL;
                exhausted = 0;
            }
            RamBlock block = sent.blocks().get(index);
            long next = sent.nextUnsent(block, page);
            if (next < 0) {
                // Once around every block from its beginning without finding anything: done.
                index = (index + 1) % sent.blocks().size();
                page = 0;
                exhausted++;
                continue;
            }
            exhausted = 0;
            boolean busy = demand.isBusy();
            bulk.setWindowBytes(busy ? BUSY_WINDOW_BYTES : QUIET_WINDOW_BYTES);
            int most = Math.max(1, PageSender.batchPages(block) / (busy ? BUSY_SHARE : 1));
            int pages = sent.claimRun(block, next, most);
            if (pages > 0) {
                boolean gone = sender.add(block, next, pages);
                if (sender.pagesWaiting() >= most) {
                    gone |= sender.flush();
                }
                pacer.pay((long) pages * block.pageSizeBytes(), NONE);
                if (gone) {
                    progress.run();
                }
            }
            page = next + Math.max(1, pages);
        }
        sender.flush();
        bulk.awaitPlaced();
        link.throwIfBroken();
    }
}
