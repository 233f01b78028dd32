package dev.ferry.migration;

import dev.ferry.precopy.Commands;
import dev.ferry.precopy.Pacer;
import dev.ferry.precopy.PageSender;

/** Sends what is left after the switch: behind the last fault first, then on in order. Runs on the migration's thread. */
final class BackgroundPush {
    private static final long QUIET_QUEUE_NS = 2_000_000;
    private static final long BUSY_QUEUE_NS = 300_000;

    /** While somebody waits, batches are smaller: less is in front of a page that turns out to be wanted. */
    private static final int BUSY_BATCH_BYTES = PageSender.BATCH_BYTES / 4;

    /** Nothing can be asked of a migration after the commit. */
    private static final Commands NONE = new Commands() {
        @Override
        public void throwIfCancelled() {}

        @Override
        public boolean switchRequested() {
            return false;
        }
    };

    private final SourcePages demand;
    private final PushOrder order;
    private final PageSender sender;
    private final PeerLink link;
    private final PeerLink.BulkLink bulk;
    private final Pacer pacer;
    private final Runnable progress;

    BackgroundPush(
            SourcePages demand,
            PageSender sender,
            PeerLink link,
            PeerLink.BulkLink bulk,
            Pacer pacer,
            Runnable progress) {
        this.demand = demand;
        this.order = demand.order();
        this.sender = sender;
        this.link = link;
        this.bulk = bulk;
        this.pacer = pacer;
        this.progress = progress;
    }

    /** Returns when everything was sent and placed; throws UNAVAILABLE when the peer is gone. */
    void run() {
        while (true) {
            link.throwIfBroken();
            boolean busy = demand.isBusy();
            bulk.setQueueLimitNs(busy ? BUSY_QUEUE_NS : QUIET_QUEUE_NS);
            int batchBytes = busy ? BUSY_BATCH_BYTES : PageSender.BATCH_BYTES;
            if (!order.next(batchBytes)) {
                break;
            }
            boolean gone = sender.add(order.block(), order.firstPage(), order.pages());
            if (sender.bytesWaiting() >= batchBytes) {
                gone |= sender.flush();
            }
            pacer.pay((long) order.pages() * order.block().pageSizeBytes(), NONE);
            if (gone) {
                progress.run();
            }
        }
        sender.flush();
        bulk.awaitPlaced();
        link.throwIfBroken();
    }
}
