package dev.ferry.migration;

import dev.ferry.precopy.Pacer;
import dev.ferry.precopy.PageSender;

/** Sends what is left after the switch: behind the last fault first, then on in order. Runs on the migration's thread. */
final class BackgroundPush {
    private static final long QUIET_QUEUE_NS = 2_000_000;
    private static final long BUSY_QUEUE_NS = 300_000;

    /** While somebody waits, batches are smaller: less is in front of a page that turns out to be wanted. */
    private static final int BUSY_BATCH_BYTES = PageSender.BATCH_BYTES / 4;

    private final SourcePages demand;
    private final PushOrder order;
    private final PageSender sender;
    private final PeerLink link;
    private final PeerLink.BulkLink bulk;
    private final Pacer pacer;
    private final Runnable progress;
    private final Pacer.Wait waiting = this::mayWait;

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

    /** A pause may be as long as the limit is small; a peer that is gone, or faults that fetched the rest, end it. */
    private boolean mayWait() {
        link.throwIfBroken();
        progress.run();
        return !order.isDone();
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
            pacer.charge((long) order.pages() * order.block().pageSizeBytes());
            // Pauses come only when nothing that was claimed is left in the sender: nobody else would push it
            // meanwhile.
            if (sender.bytesWaiting() >= batchBytes || (gone && pacer.owedNs() > 0)) {
                gone |= sender.flush();
            }
            if (gone) {
                progress.run();
                pacer.pay(waiting);
            }
        }
        sender.flush();
        bulk.awaitPlaced();
        link.throwIfBroken();
    }
}
