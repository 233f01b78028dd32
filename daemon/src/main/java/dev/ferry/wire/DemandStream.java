package dev.ferry.wire;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.DemandSource;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Demand faults at the source: a request comes in and its pages go out on the same event loop, straight from the guest's
 * memory. Nothing here is shared with the bulk stream.
 */
final class DemandStream extends ClientCall.Listener<PageFrame> {
    private static final int MAX_REQUEST_BYTES = 2 << 20;
    private static final int HEADER_BYTES = 48;

    /** Bytes of answers that are not on the wire; with more, requests wait. Far more than a guest's vCPUs ask for at once. */
    static final int MOST_UNSENT_BYTES = 16 << 20;

    /** Requests that wait; with more, the destination does not mean to read. Else it could make the source hold any number of pages. */
    static final int MOST_WAITING = 4096;

    private final ClientCall<PageFrame, PageFrame> call;
    private final DemandSource source;
    private final String peer;
    private final long migration;
    private final long epoch;
    private final PageFrame answer = new PageFrame();
    private final CountDownLatch opened = new CountDownLatch(1);
    private final Consumer<DemandStream> broke;

    /** On the event loop only. */
    private final Deque<Request> waiting = new ArrayDeque<>();

    private volatile Status end;
    private volatile boolean closed;
    private final AtomicLong bytesSent = new AtomicLong();

    /** @param broke told on the event loop when it ends without {@link #close} */
    DemandStream(
            ClientCall<PageFrame, PageFrame> call,
            DemandSource source,
            long migration,
            long epoch,
            String peer,
            Consumer<DemandStream> broke) {
        this.call = call;
        this.source = source;
        this.migration = migration;
        this.epoch = epoch;
        this.peer = peer;
        this.broke = broke;
        answer.migration = migration;
        answer.epoch = epoch;
        answer.data = ByteBuffer.allocateDirect(MAX_REQUEST_BYTES);
    }

    /** Sends the header and waits until the destination has accepted it. */
    void open(long limitNs) {
        call.start(this, new Metadata());
        call.request(Integer.MAX_VALUE);
        call.sendMessage(answer);
        try {
            if (!opened.await(limitNs, TimeUnit.NANOSECONDS)) {
                throw new FerryException(
                        ErrorCategory.DEADLINE_EXCEEDED, "destination " + peer + " did not open the demand stream");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FerryException(ErrorCategory.UNAVAILABLE, "interrupted: ferryd is stopping", e);
        }
        throwIfBroken();
    }

    @Override
    public void onMessage(PageFrame request) {
        if (request.malformed != null) {
            call.cancel(request.malformed, null);
            return;
        }
        if (request.migration != migration || request.epoch != epoch) {
            call.cancel("request of another migration or epoch", null);
            return;
        }
        if (request.runs.size() == 0) {
            opened.countDown();
            return;
        }
        if (request.runs.size() != 1) {
            refuse(new IllegalArgumentException("request of " + request.runs.size() + " runs of pages"));
            return;
        }
        Request one =
                new Request(request.block, request.sequence, request.runs.firstPage(0), request.runs.totalPages());
        if (waiting.isEmpty() && call.isReady()) {
            answer(one);
        } else if (waiting.size() < MOST_WAITING) {
            waiting.add(one);
        } else {
            refuse(new FerryException(
                    ErrorCategory.RESOURCE_EXHAUSTED,
                    "more than " + MOST_WAITING + " page requests, and their answers are not read"));
        }
    }

    /** The destination has read. */
    @Override
    public void onReady() {
        while (!waiting.isEmpty() && call.isReady()) {
            answer(waiting.poll());
        }
    }

    private record Request(int block, long sequence, long firstPage, long pages) {}

    private void answer(Request request) {
        try {
            RamBlock block = source.block(request.block());
            long first = request.firstPage();
            int pages = (int) Math.min(Integer.MAX_VALUE, request.pages());
            if (!block.contains(first, pages) || pages > MAX_REQUEST_BYTES / block.pageSizeBytes()) {
                throw new IllegalArgumentException(
                        "request for pages " + first + ", +" + pages + " of RAM block " + block.name());
            }
            answer.block = request.block();
            answer.sequence = request.sequence();
            boolean zero = !source.read(block, first, pages, answer.data);
            answer.dataLength = zero ? 0 : pages * block.pageSizeBytes();
            answer.crc32c = Crc.of(answer.data, 0, answer.dataLength);
            answer.runs.clear();
            answer.runs.add(first, pages, zero);
            call.sendMessage(answer);
            bytesSent.addAndGet(HEADER_BYTES + answer.dataLength);
        } catch (RuntimeException e) {
            refuse(e);
        }
    }

    private void refuse(RuntimeException e) {
        waiting.clear();
        end = Status.fromThrowable(PeerStatus.of(e));
        call.cancel("page request refused", e);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        if (end == null) {
            end = status.isOk() ? Status.UNAVAILABLE.withDescription("the destination closed the stream") : status;
        }
        opened.countDown();
        if (!closed) {
            broke.accept(this);
        }
    }

    long bytesSent() {
        return bytesSent.get();
    }

    void throwIfBroken() {
        Status e = end;
        if (e != null) {
            throw PeerStatus.toFerry("demand stream to destination " + peer, e.asRuntimeException());
        }
    }

    void close() {
        closed = true;
        call.cancel("the migration has ended", null);
    }
}
