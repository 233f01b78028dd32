package dev.ferry.precopy;

import dev.ferry.base.NanoClock;
import dev.ferry.memory.RamBlock;
import dev.ferry.memory.RunList;
import java.nio.ByteBuffer;
import java.util.function.BooleanSupplier;

/**
 * Pre-copy: everything once, then rounds of what was written meanwhile, while the guest runs. Runs on the migration's owner
 * thread. Afterwards {@link SentPages} says what the destination has, lacks, and has in an old version.
 *
 * <p>A lost connection breaks {@link #run} off; after {@link #restart} it is called again and goes on with the round that was
 * broken off, within the same limits.
 */
public final class Precopy {
    private static final ByteBuffer NO_DATA = ByteBuffer.allocateDirect(0);

    private final SourceMemory memory;
    private PageSink sink;
    private final SentPages sent;
    private final PageSender sender;
    private final Pacer pacer;
    private final StopRule rule;
    private final Commands commands;
    private final PrecopyProgress progress;
    private final NanoClock clock;
    private final Pacer.Wait waiting = this::mayWait;
    private final RunList holes = new RunList();
    private long dirtyBytes;
    private long syncNs;
    private long deadlineNs;
    private long beginNs;
    private boolean begun;
    private int roundsDone;
    private long earlierBytes;
    private long firstBytes;

    /** @param sender over the same memory and sink */
    public Precopy(
            SourceMemory memory,
            PageSink sink,
            SentPages sent,
            PageSender sender,
            Pacer pacer,
            StopRule rule,
            Commands commands,
            PrecopyProgress progress,
            NanoClock clock) {
        this.memory = memory;
        this.sink = sink;
        this.sent = sent;
        this.sender = sender;
        this.pacer = pacer;
        this.rule = rule;
        this.commands = commands;
        this.progress = progress;
        this.clock = clock;
    }

    /** Over another connection from now on: what the lost one may not have brought is sent again. */
    public void restart(PageSink to) {
        earlierBytes += sink.bytesSent();
        sink = to;
        sender.restart(to);
        holes.clear();
        sent.distrustUnconfirmed();
    }

    /** Runs all rounds; the tracking must have been started. */
    public void run() {
        if (!begun) {
            begun = true;
            beginNs = clock.nanoTime();
            deadlineNs = beginNs + rule.maxNs();
        }
        announceUnpopulated();
        sendSmallBlocks();
        long toSend = sent.unsentBytes();
        if (roundsDone == 0) {
            firstBytes = toSend;
        }
        String stop = rule.maxRounds() == 0 ? "round limit" : null;
        while (stop == null) {
            int round = roundsDone + 1;
            long roundNs = clock.nanoTime();
            progress.roundBegins(round, toSend);
            boolean complete = sendUnsent(() -> false);
            awaitPlaced();
            roundsDone = round;
            dirtySync();
            progress.dirtySync(dirtyBytes, clock.nanoTime() - roundNs);
            long left = sent.unsentBytes();
            if (commands.switchRequested()) {
                stop = "switch requested";
            } else if (!complete) {
                stop = "time limit";
            } else {
                stop = rule.afterRound(round, left, toSend, clock.nanoTime() - beginNs)
                        .orElse(null);
            }
            toSend = left;
        }
        // What the last dirty sync found in the small blocks, so that little of them is left for the blackout.
        sendSmallBlocks();
        awaitPlaced();
        progress.stopped(stop);
    }

    private void awaitPlaced() {
        sink.awaitPlaced();
        sent.confirm();
    }

    /**
     * After {@link #run}, while the switch has to wait: sends what was written meanwhile, within the limits of the rounds.
     *
     * @param enough asked between batches: what is left then is left for later
     */
    public void topUp(BooleanSupplier enough) {
        if (rule.maxRounds() > 0) {
            dirtySync();
            sendUnsent(enough);
            awaitPlaced();
        }
    }

    /** What was to be sent at first: all that the guest had in its memory. */
    public long firstBytes() {
        return firstBytes;
    }

    /** What the guest wrote since the last time becomes unsent. Also the last step inside the blackout. */
    public void dirtySync() {
        long beginNs = clock.nanoTime();
        dirtyBytes = 0;
        for (RamBlock block : sent.blocks()) {
            memory.harvest(block, (first, pages) -> {
                sent.markDirty(block, first, pages);
                dirtyBytes += pages * block.pageSizeBytes();
            });
        }
        syncNs = clock.nanoTime() - beginNs;
    }

    /** How long the last dirty sync took; 0: there was none. */
    public long lastSyncNs() {
        return syncNs;
    }

    /** Holes are known to be zero: said once as runs, so that a fault on one needs no round trip. */
    private void announceUnpopulated() {
        for (RamBlock block : sent.blocks()) {
            if (block.guestRam()) {
                long[] next = {0};
                memory.forEachPopulated(block, (first, pages) -> {
                    announceZero(block, next[0], first);
                    next[0] = first + pages;
                });
                announceZero(block, next[0], block.pageCount());
                sendHoles(block);
            }
        }
    }

    private void announceZero(RamBlock block, long from, long to) {
        if (from < to) {
            sent.markSent(block, from, to - from);
            holes.add(from, to - from, true);
            if (holes.isFull()) {
                sendHoles(block);
            }
        }
    }

    private void sendHoles(RamBlock block) {
        if (holes.size() > 0) {
            sink.send(block, holes, NO_DATA, 0);
            holes.clear();
        }
    }

    /** They cannot be fetched after the switch: all are sent, whatever the time limit and the commands say. */
    private void sendSmallBlocks() {
        for (RamBlock block : sent.blocks()) {
            if (!block.guestRam()) {
                sent.forEachUnsent(block, (first, pages) -> {
                    for (long page = first; page < first + pages; page += PageSender.batchPages(block)) {
                        commands.throwIfCancelled();
                        send(block, page, (int) Math.min(PageSender.batchPages(block), first + pages - page));
                    }
                });
            }
        }
        sender.flush();
    }

    /** One pass; false if it was broken off by a command, the time limit, or because it is enough. */
    private boolean sendUnsent(BooleanSupplier enough) {
        for (RamBlock block : sent.blocks()) {
            long page = sent.nextUnsent(block, 0);
            while (page >= 0) {
                commands.throwIfCancelled();
                if (commands.switchRequested() || clock.nanoTime() > deadlineNs || enough.getAsBoolean()) {
                    sender.flush();
                    return false;
                }
                int pages = sent.unsentRun(block, page, PageSender.batchPages(block));
                send(block, page, pages);
                page = sent.nextUnsent(block, page + pages);
            }
        }
        sender.flush();
        return true;
    }

    private void send(RamBlock block, long page, int pages) {
        sent.markSent(block, page, pages);
        if (sender.add(block, page, pages)) {
            progress.sent(sender.pagesSent(), sender.zeroPagesSent(), earlierBytes + sink.bytesSent());
        }
        pacer.charge((long) pages * block.pageSizeBytes());
        pacer.pay(waiting);
    }

    /** A small limit may mean hours: neither a command nor the time limit waits for that. */
    private boolean mayWait() {
        commands.throwIfCancelled();
        return !commands.switchRequested() && clock.nanoTime() <= deadlineNs;
    }
}
