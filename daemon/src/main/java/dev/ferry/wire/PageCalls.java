package dev.ferry.wire;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.RamBlock;
import dev.ferry.memory.RunList;
import dev.ferry.migration.Arrivals;
import dev.ferry.migration.Arrivals.PageReceiver;
import dev.ferry.postcopy.PageRequester;
import dev.ferry.sys.ThreadPriority;
import dev.ferry.v1.BulkAck;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.EventExecutor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * PageService at the destination. Runs on the connection's own event loop (directExecutor): bytes go from the network buffer
 * to the guest's RAM file without changing threads. Every message is checked before it is used; a wrong one ends the stream.
 */
final class PageCalls {
    private static final Logger LOG = LoggerFactory.getLogger(PageCalls.class);
    private static final long STATS_EVERY_NS = 200_000_000;

    /** Of acknowledgements: tens of thousands, where a source has a few hundred batches under way. */
    private static final int MOST_UNREAD_BYTES = 1 << 20;

    private final Arrivals arrivals;
    private final Iterable<EventExecutor> loops;

    /** @param loops those on which the calls run */
    PageCalls(Arrivals arrivals, Iterable<EventExecutor> loops) {
        this.arrivals = arrivals;
        this.loops = loops;
    }

    private IoEventLoop loop() {
        for (EventExecutor loop : loops) {
            if (loop.inEventLoop()) {
                return (IoEventLoop) loop;
            }
        }
        throw new IllegalStateException("not on an event loop: " + Thread.currentThread());
    }

    ServerServiceDefinition definition() {
        return ServerServiceDefinition.builder("ferry.v1.PageService")
                .addMethod(PageMethods.BULK, (call, headers) -> new Bulk(call, arrivals))
                .addMethod(PageMethods.DEMAND, (call, headers) -> new Demand(call, arrivals, loop()))
                .build();
    }

    /** One stream of pages. On its event loop only. */
    private abstract static class Stream<T> extends ServerCall.Listener<PageFrame> {
        final ServerCall<PageFrame, T> call;
        final Arrivals arrivals;
        PageReceiver receiver;
        long migration;
        long epoch;
        private boolean ended;

        Stream(ServerCall<PageFrame, T> call, Arrivals arrivals) {
            this.call = call;
            this.arrivals = arrivals;
            call.sendHeaders(new Metadata());
            call.request(Integer.MAX_VALUE);
        }

        abstract void open();

        abstract void place(PageFrame frame, RamBlock block);

        @Override
        public final void onMessage(PageFrame frame) {
            if (ended) {
                return;
            }
            try {
                if (frame.malformed != null) {
                    throw new IllegalArgumentException(frame.malformed);
                }
                if (receiver == null) {
                    migration = frame.migration;
                    epoch = frame.epoch;
                    arrivals.requireSource(migration, PeerTls.callersNames());
                    open();
                    return;
                }
                if (frame.migration != migration || frame.epoch != epoch) {
                    throw new IllegalArgumentException("message of another migration or epoch");
                }
                RamBlock block = receiver.block(frame.block);
                check(frame, block);
                if (isDamaged(frame)) {
                    refetch(frame, block);
                } else {
                    place(frame, block);
                }
            } catch (RuntimeException e) {
                end(e);
            }
        }

        private void check(PageFrame frame, RamBlock block) {
            RunList runs = frame.runs;
            if (runs.size() == 0 && !frame.acknowledge) {
                throw new IllegalArgumentException("a batch without pages");
            }
            long withData = 0;
            for (int i = 0; i < runs.size(); i++) {
                long first = runs.firstPage(i);
                long pages = runs.pageCount(i);
                if (!block.contains(first, pages)) {
                    throw new IllegalArgumentException("pages " + first + ", +" + pages + " outside RAM block "
                            + block.name() + " of " + block.pageCount());
                }
                if (!receiver.expects(block, first, pages)) {
                    throw new IllegalArgumentException(
                            "page " + first + " of " + block.name() + " was never asked for");
                }
                withData += runs.isZero(i) ? 0 : pages;
            }
            if (frame.dataLength != withData * block.pageSizeBytes()) {
                throw new IllegalArgumentException(frame.dataLength + " bytes for " + withData + " pages");
            }
        }

        /** The network, or memory on the way: nobody meant harm, and the next copy may be whole. */
        private boolean isDamaged(PageFrame frame) {
            if (frame.dataLength == 0) {
                return false;
            }
            if (Crc.of(frame.data, frame.dataIndex, frame.dataLength) != frame.crc32c) {
                return true;
            }
            receiver.intact();
            return false;
        }

        private void refetch(PageFrame frame, RamBlock block) {
            String what = "checksum of page " + frame.runs.firstPage(0) + " of " + block.name() + " is wrong";
            if (!receiver.damaged(block)) {
                throw new IllegalArgumentException(what);
            }
            LOG.warn("{}: fetched again", what);
            for (int i = 0; i < frame.runs.size(); i++) {
                receiver.refetch(block, frame.runs.firstPage(i), frame.runs.pageCount(i));
            }
            frame.runs.clear(); // nothing of it is placed, but its sequence counts
            place(frame, block);
        }

        final void store(PageFrame frame, RamBlock block) {
            int index = frame.dataIndex;
            for (int i = 0; i < frame.runs.size(); i++) {
                long pages = frame.runs.pageCount(i);
                if (frame.runs.isZero(i)) {
                    receiver.zeroPages(block, frame.runs.firstPage(i), pages);
                } else {
                    receiver.pages(block, frame.runs.firstPage(i), (int) pages, frame.data, index);
                    index += (int) pages * block.pageSizeBytes();
                }
            }
        }

        @Override
        public final void onHalfClose() {
            if (!ended) {
                ended = true;
                call.close(Status.OK, new Metadata());
                closed(null);
            }
        }

        /** gRPC's own word for a stream that it closed for an error of ours. */
        @Override
        public final void onComplete() {
            onCancel();
        }

        @Override
        public final void onCancel() {
            if (!ended) {
                ended = true;
                closed(Status.UNAVAILABLE
                        .withDescription("the source's stream broke")
                        .asRuntimeException());
            }
        }

        private void end(RuntimeException e) {
            ended = true;
            LOG.warn("page stream refused: {}", e.toString());
            if (receiver != null && e instanceof IllegalArgumentException) {
                receiver.refused(e.getMessage());
            }
            call.close(Status.fromThrowable(PeerStatus.of(e)), new Metadata());
            closed(e);
        }

        void closed(Throwable error) {
            if (receiver != null) {
                receiver.closed(error);
            }
        }
    }

    private static final class Bulk extends Stream<BulkAck> {
        private long lastSequence;
        private long lastStatsNs;

        Bulk(ServerCall<PageFrame, BulkAck> call, Arrivals arrivals) {
            super(call, arrivals);
            call.setOnReadyThreshold(MOST_UNREAD_BYTES);
        }

        @Override
        void open() {
            receiver = arrivals.openBulk(migration, epoch);
            ThreadPriority.background();
            call.sendMessage(BulkAck.getDefaultInstance());
        }

        @Override
        void closed(Throwable error) {
            ThreadPriority.normal();
            super.closed(error);
        }

        @Override
        void place(PageFrame frame, RamBlock block) {
            if (frame.sequence != lastSequence + 1) {
                throw new IllegalArgumentException("batch " + frame.sequence + " after " + lastSequence);
            }
            store(frame, block);
            lastSequence = frame.sequence;
            receiver.placed(lastSequence);
            if (!frame.acknowledge) {
                return;
            }
            BulkAck.Builder ack = BulkAck.newBuilder().setSequence(lastSequence);
            long now = System.nanoTime();
            if (now - lastStatsNs > STATS_EVERY_NS) {
                lastStatsNs = now;
                ack.setStats(PeerMessages.toProto(arrivals.counts(migration, epoch)));
            }
            call.sendMessage(ack.build());
            if (!call.isReady()) {
                throw new FerryException(
                        ErrorCategory.RESOURCE_EXHAUSTED, "the source does not read the acknowledgements it asks for");
            }
        }
    }

    /** The requester is called on fault readers' threads; a call's methods are not thread-safe, hence the lock. */
    private static final class Demand extends Stream<PageFrame> implements PageRequester {
        private final PageFrame request = new PageFrame();
        private final IoEventLoop loop;
        private FaultWatch watch;
        private long sequence;

        Demand(ServerCall<PageFrame, PageFrame> call, Arrivals arrivals, IoEventLoop loop) {
            super(call, arrivals);
            this.loop = loop;
        }

        @Override
        void open() {
            synchronized (request) {
                request.migration = migration;
                request.epoch = epoch;
                call.sendMessage(request);
            }
            receiver = arrivals.openDemand(migration, epoch, this);
            watch = new FaultWatch(loop, receiver.faults());
        }

        @Override
        void closed(Throwable error) {
            if (watch != null) {
                watch.close();
            }
            super.closed(error);
        }

        @Override
        void place(PageFrame frame, RamBlock block) {
            store(frame, block);
        }

        @Override
        public void request(RamBlock block, long firstPage, int pages) {
            synchronized (request) {
                if (call.isCancelled()) {
                    return;
                }
                request.block = block.index();
                request.runs.clear();
                request.runs.add(firstPage, pages, true);
                request.sequence = ++sequence;
                try {
                    call.sendMessage(request);
                } catch (IllegalStateException e) {
                    // Closed between the two lines: the next demand stream asks again for whoever waits.
                    LOG.debug("page request on a closed stream", e);
                }
            }
        }
    }
}
