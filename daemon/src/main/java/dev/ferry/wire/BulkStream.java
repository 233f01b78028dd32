package dev.ferry.wire;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.RamBlock;
import dev.ferry.memory.RunList;
import dev.ferry.migration.PeerLink;
import dev.ferry.v1.BulkAck;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Bulk pages at the source: a window of bytes under way, opened by acknowledgements. The migration's thread sends; the
 * connection's event loop hears acknowledgements. The lock guards the window and the end; nothing of the demand path takes it.
 */
final class BulkStream extends ClientCall.Listener<BulkAck> implements PeerLink.BulkLink {
    private static final int MAX_BATCHES_UNDER_WAY = 4096;
    private static final int HEADER_BYTES = 48;
    private static final int RUN_BYTES = 3;

    /** Each wakes two threads; with fewer the window opens in jerks. */
    private static final int ACKS_A_WINDOW = 6;

    /** Nothing acknowledged for so long with batches under way: the peer is as good as gone. */
    private static final long STALLED_NS = TimeUnit.SECONDS.toNanos(30);

    private final ClientCall<PageFrame, BulkAck> call;
    private final Consumer<BulkAck> stats;
    private final String peer;
    private final PageFrame frame = new PageFrame();
    private final PageFrame question = new PageFrame();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final long[] sentAtSequence = new long[MAX_BATCHES_UNDER_WAY];
    private long sentBytes;
    private long ackedBytes;
    private long sequence;
    private long acked = -1;

    /** The last batch that asks for an acknowledgement. Of the sending thread. */
    private long asked;

    private final long[] sentNs = new long[MAX_BATCHES_UNDER_WAY];
    private final SendWindow window = new SendWindow();
    private volatile long queueLimitNs = TimeUnit.SECONDS.toNanos(1);
    private volatile Status end;

    BulkStream(ClientCall<PageFrame, BulkAck> call, long migration, long epoch, String peer, Consumer<BulkAck> stats) {
        this.call = call;
        this.stats = stats;
        this.peer = peer;
        frame.migration = migration;
        frame.epoch = epoch;
        question.migration = migration;
        question.epoch = epoch;
        question.acknowledge = true;
    }

    /** Sends the header and waits until the destination has accepted it. */
    void open(long limitNs) {
        call.start(this, new Metadata());
        call.request(Integer.MAX_VALUE);
        call.sendMessage(frame);
        lock.lock();
        try {
            long left = limitNs;
            while (acked < 0 && end == null && left > 0) {
                left = await(left);
            }
            throwIfBroken();
            if (acked < 0) {
                throw new FerryException(
                        ErrorCategory.DEADLINE_EXCEEDED, "destination " + peer + " did not open the bulk stream");
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void send(RamBlock block, RunList runs, ByteBuffer data, int dataBytes) {
        frame.block = block.index();
        frame.runs.copyFrom(runs);
        frame.data = data;
        frame.dataIndex = 0;
        frame.dataLength = dataBytes;
        frame.crc32c = Crc.of(data, 0, dataBytes);
        transmit(HEADER_BYTES + runs.size() * RUN_BYTES + dataBytes);
    }

    /** Waits for room in the window, and asks for an acknowledgement often enough that there will be some again. */
    private void transmit(int size) {
        lock.lock();
        try {
            long left = STALLED_NS;
            long limit = window.bytes(queueLimitNs);
            while (end == null
                    && (sequence - acked >= MAX_BATCHES_UNDER_WAY - 1
                            || (sentBytes - ackedBytes > 0 && sentBytes - ackedBytes + size > limit))) {
                // The window may have shrunk below what was sent without asking.
                askForTheLast();
                left = awaitProgress(left);
                limit = window.bytes(queueLimitNs);
                throwIfStalled(left);
            }
            throwIfBroken();
            frame.sequence = next(size);
            frame.acknowledge = sequence - asked >= MAX_BATCHES_UNDER_WAY / 4
                    || sentBytes - sentAtSequence[(int) (asked % MAX_BATCHES_UNDER_WAY)] >= limit / ACKS_A_WINDOW;
            if (frame.acknowledge) {
                asked = sequence;
            }
        } finally {
            lock.unlock();
        }
        call.sendMessage(frame);
    }

    /** Under the lock, on the sending thread: the number of a message of so many bytes that goes out now. */
    private long next(int size) {
        int at = (int) (++sequence % MAX_BATCHES_UNDER_WAY);
        sentBytes += size;
        sentAtSequence[at] = sentBytes;
        sentNs[at] = System.nanoTime();
        return sequence;
    }

    /** Under the lock, on the sending thread: sees to it that everything sent will be acknowledged. */
    private void askForTheLast() {
        if (asked != sequence && end == null) {
            question.sequence = next(HEADER_BYTES);
            asked = sequence;
            call.sendMessage(question);
        }
    }

    @Override
    public void awaitPlaced() {
        lock.lock();
        try {
            askForTheLast();
            long left = STALLED_NS;
            while (end == null && acked < sequence) {
                left = awaitProgress(left);
                throwIfStalled(left);
            }
            throwIfBroken();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long bytesSent() {
        lock.lock();
        try {
            return sentBytes;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long sequence() {
        return sequence;
    }

    @Override
    public void setQueueLimitNs(long ns) {
        queueLimitNs = ns;
    }

    void throwIfBroken() {
        Status e = end;
        if (e != null) {
            throw PeerStatus.toFerry("bulk stream to destination " + peer, e.asRuntimeException());
        }
    }

    /** As if its connection had gone. From any thread. */
    void breakOff(String why) {
        lock.lock();
        try {
            if (end == null) {
                end = Status.UNAVAILABLE.withDescription(why);
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        call.cancel(why, null);
    }

    void close() {
        call.cancel("the migration has ended", null);
    }

    @Override
    public void onMessage(BulkAck ack) {
        lock.lock();
        try {
            // A hostile acknowledgement cannot open the window beyond what was sent.
            if (ack.getSequence() > sequence || ack.getSequence() < acked) {
                call.cancel("acknowledgement " + ack.getSequence() + " of " + sequence, null);
                return;
            }
            acked = ack.getSequence();
            if (acked > 0) {
                int at = (int) (acked % MAX_BATCHES_UNDER_WAY);
                long now = System.nanoTime();
                ackedBytes = sentAtSequence[at];
                window.acknowledged(now, ackedBytes, now - sentNs[at], acked == sequence);
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (ack.hasStats()) {
            stats.accept(ack);
        }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        lock.lock();
        try {
            if (end == null) {
                end = status.isOk() ? Status.UNAVAILABLE.withDescription("the destination closed the stream") : status;
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @SuppressWarnings("WaitNotInLoop") // every caller loops over its own condition
    private long await(long ns) {
        try {
            return changed.awaitNanos(ns);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FerryException(ErrorCategory.UNAVAILABLE, "interrupted: ferryd is stopping", e);
        }
    }

    /** How much of the time is left; all of it again after an acknowledgement. */
    private long awaitProgress(long ns) {
        long before = acked;
        long left = await(ns);
        return acked == before ? left : STALLED_NS;
    }

    private void throwIfStalled(long leftNs) {
        if (leftNs <= 0) {
            String why = "destination " + peer + " acknowledged nothing for "
                    + TimeUnit.NANOSECONDS.toSeconds(STALLED_NS) + " s";
            if (end == null) {
                end = Status.UNAVAILABLE.withDescription(why);
            }
            throw new FerryException(ErrorCategory.UNAVAILABLE, why);
        }
    }
}
