package dev.ferry.daemon;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.RamBlock;
import dev.ferry.memory.RunList;
import dev.ferry.migration.Arrivals;
import dev.ferry.migration.DemandSource;
import dev.ferry.migration.IncomingSpec;
import dev.ferry.migration.MigrationSnapshot.PostcopyCounts;
import dev.ferry.migration.PageRuns;
import dev.ferry.migration.PeerLink;
import dev.ferry.migration.Reason;
import dev.ferry.migration.SmallPages;
import dev.ferry.postcopy.PageRequester;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;

/** A source's connections to one life of a destination, over a network that loses, delays, repeats and breaks. */
final class SimLink implements PeerLink {
    private static final long BULK_WINDOW = 3;
    private static final long ANSWER_WAIT_NS = 20_000_000;

    final SimWorld world;
    final SimDaemon source;
    private final SimHost to;
    private final long migration;
    private final long epoch;
    private SimDaemon target;
    private boolean broken;
    private final List<Stream> streams = new ArrayList<>();
    private Bulk bulk;
    private Demand demand;

    SimLink(SimWorld world, SimDaemon source, SimHost to, long migration, long epoch) {
        this.world = world;
        this.source = source;
        this.to = to;
        this.migration = migration;
        this.epoch = epoch;
        world.addLink(this);
    }

    static FerryException away(String why) {
        return new FerryException(ErrorCategory.UNAVAILABLE, why);
    }

    /** The connections have ended, as the source sees it; what is in flight may still arrive. */
    void breakOff() {
        broken = true;
        streams.forEach(Stream::breakOff);
    }

    boolean isFor(SimDaemon daemon) {
        return target == daemon;
    }

    /** A question and its answer, either of which may get lost, or come late, or twice. */
    private <T> T call(String what, Supplier<T> work) {
        source.port();
        if (broken) {
            throw away("the connection is broken");
        }
        if (world.isCut()) {
            world.advance(ANSWER_WAIT_NS);
            throw away("no way to " + to);
        }
        if (target == null && to.daemon != null && to.daemon.isListening()) {
            target = to.daemon;
        }
        if (target == null || !target.isListening()) {
            breakOff();
            throw away(to + " does not answer");
        }
        if (world.loses()) {
            world.trace(source.host, what + ": the question is lost");
            if (world.flip()) {
                world.later(target, work);
            }
            breakOff();
            world.advance(world.pick(3) * 1_000_000_000L);
            throw away("no answer");
        }
        T answer = world.remote(target, what, work);
        source.throwIfKilled();
        if (world.loses()) {
            world.trace(source.host, what + ": the answer is lost");
            breakOff();
            throw away("no answer");
        }
        if (world.repeats()) {
            world.later(target, work);
        }
        source.port();
        return answer;
    }

    private void tell(String what, Runnable work) {
        call(what, () -> {
            work.run();
            return 0;
        });
    }

    @Override
    public String hello() {
        return call("hello", () -> "1");
    }

    @Override
    public List<Reason> check(IncomingSpec spec) {
        return call("check", () -> target.destinations.check(spec));
    }

    @Override
    public void prepare(IncomingSpec spec) {
        tell("prepare", () -> target.destinations.prepare(spec));
    }

    @Override
    public Arrivals.Switched switchover(
            long bulkSequence, List<PageRuns> stale, List<SmallPages> small, byte[] deviceState) {
        List<PageRuns> told = world.bug == SimWorld.Bug.STALE_PAGES_ARE_NOT_TOLD ? List.of() : stale;
        return call(
                "switchover",
                () -> target.destinations.switchover(migration, epoch, bulkSequence, told, small, deviceState));
    }

    @Override
    public Arrivals.Committed commit() {
        try {
            return call("commit", () -> target.destinations.commit(migration, epoch));
        } catch (FerryException e) {
            if (world.bug == SimWorld.Bug.A_LOST_ANSWER_IS_TAKEN_FOR_FENCED) {
                return new Arrivals.Committed(true, "", List.of());
            }
            throw e;
        }
    }

    @Override
    public void abort(String reason) {
        tell("abort", () -> target.destinations.abort(migration, epoch, reason));
    }

    @Override
    public List<PageRuns> missing() {
        return call("missing", () -> target.destinations.missing(migration, epoch));
    }

    @Override
    public PostcopyCounts finish() {
        return call("finish", () -> target.destinations.finish(migration, epoch));
    }

    @Override
    public void pagesLost(String reason) {
        tell("pages lost", () -> target.destinations.pagesLost(migration, epoch, reason));
    }

    @Override
    public void confirmLost() {
        tell("confirm lost", () -> target.destinations.confirmLost(migration, epoch));
    }

    @Override
    public PostcopyCounts lastCounts() {
        return PostcopyCounts.NONE;
    }

    @Override
    public void throwIfBroken() {
        if ((demand != null && demand.broken) || (bulk != null && bulk.broken)) {
            throw away("a stream has broken");
        }
    }

    @Override
    public long bytesSent() {
        return 0;
    }

    @Override
    public void close() {
        source.port();
        breakOff();
    }

    @Override
    public void openDemand(DemandSource pages) {
        if (demand != null) {
            demand.breakOff();
        }
        Demand fresh = new Demand(pages);
        call("open demand", () -> {
            fresh.open(target.destinations.openDemand(migration, epoch, fresh));
            return 0;
        });
        demand = fresh;
    }

    @Override
    public BulkLink openBulk() {
        if (bulk != null) {
            bulk.breakOff();
        }
        Bulk fresh = new Bulk();
        call("open bulk", () -> {
            fresh.open(target.destinations.openBulk(migration, epoch));
            return 0;
        });
        bulk = fresh;
        return fresh;
    }

    /** One stream of pages: first in, first out, until it breaks. What was sent before that may arrive for a while. */
    abstract class Stream {
        final SimDaemon at = target;
        Arrivals.PageReceiver receiver;
        boolean broken;
        private boolean closed;

        final void open(Arrivals.PageReceiver opened) {
            if (receiver != null) { // the question came twice: as a stream of its own it ends at once
                opened.closed(away("twice"));
                return;
            }
            receiver = opened;
            broken |= SimLink.this.broken;
            streams.add(this);
            world.addStream(this);
        }

        final void breakOff() {
            broken = true;
        }

        boolean isClosed() {
            return closed;
        }

        /** Something arrives, or the receiver finds out that the stream is broken. False: nothing to do. */
        final boolean goOn() {
            if (closed) { // a message was refused
                return false;
            }
            if (!at.isAlive()) {
                broken = true;
                closed = true;
                return false;
            }
            if (!world.isCut() && (!broken || world.flip()) && deliver()) {
                return true;
            }
            if (broken && world.mayClose()) {
                closed = true;
                receiver.closed(away("the stream broke"));
                return true;
            }
            return false;
        }

        abstract boolean deliver();

        final void place(Frame f) {
            try {
                RamBlock block = receiver.block(f.block);
                for (int i = 0; i < f.first.length; i++) {
                    if (!block.contains(f.first[i], f.versions[i].length)
                            || !receiver.expects(block, f.first[i], f.versions[i].length)) {
                        throw new IllegalArgumentException("a page that nobody asked for");
                    }
                }
                if (world.damages()) {
                    world.trace(at.host, "a frame comes damaged");
                    if (!receiver.damaged(block)) {
                        broken = true;
                        closed = true;
                        receiver.refused("damaged");
                        receiver.closed(away("damaged"));
                        return;
                    }
                    for (int i = 0; i < f.first.length; i++) {
                        receiver.refetch(block, f.first[i], f.versions[i].length);
                    }
                    return;
                }
                receiver.intact();
                for (int i = 0; i < f.first.length; i++) {
                    if (f.zero[i]) {
                        receiver.zeroPages(block, f.first[i], f.versions[i].length);
                        continue;
                    }
                    ByteBuffer data = world.buffer();
                    for (int p = 0; p < f.versions[i].length; p++) {
                        SimQemu.put(block, data, p * block.pageSizeBytes(), f.versions[i][p]);
                    }
                    receiver.pages(block, f.first[i], f.versions[i].length, data, 0);
                }
            } catch (RuntimeException e) {
                world.trace(at.host, "frame refused: " + e);
                broken = true;
                closed = true;
                if (e instanceof IllegalArgumentException) {
                    world.refused(e);
                    receiver.refused(e.getMessage());
                }
                receiver.closed(e);
                throw e;
            }
        }
    }

    /** Runs of pages of one block on their way. */
    @SuppressWarnings("ArrayRecordComponent")
    private record Frame(long sequence, int block, long[] first, boolean[] zero, int[][] versions) {}

    private final class Bulk extends Stream implements BulkLink {
        private final Deque<Frame> sent = new ArrayDeque<>();
        private long sequence;
        private long placed;

        @Override
        boolean deliver() {
            if (sent.isEmpty()) {
                return false;
            }
            Frame f = sent.removeFirst();
            place(f);
            receiver.placed(f.sequence);
            placed = f.sequence;
            return true;
        }

        @Override
        public void send(RamBlock block, RunList runs, ByteBuffer data, int dataBytes) {
            source.port();
            long[] first = new long[runs.size()];
            boolean[] zero = new boolean[runs.size()];
            int[][] versions = new int[runs.size()][];
            int index = 0;
            for (int i = 0; i < first.length; i++) {
                first[i] = runs.firstPage(i);
                zero[i] = runs.isZero(i);
                versions[i] = new int[(int) runs.pageCount(i)];
                for (int p = 0; !zero[i] && p < versions[i].length; p++) {
                    versions[i][p] = SimQemu.get(block, data, index);
                    index += block.pageSizeBytes();
                }
            }
            if (index != dataBytes) {
                world.violation(index + " bytes of pages, " + dataBytes + " said");
            }
            await(sequence + 1 - BULK_WINDOW);
            sent.add(new Frame(++sequence, block.index(), first, zero, versions));
        }

        @Override
        public void awaitPlaced() {
            await(sequence);
        }

        private void await(long until) {
            while (true) {
                source.port();
                if (broken) {
                    throw away("the bulk stream has broken");
                }
                if (placed >= until) {
                    return;
                }
                world.advance(1_000_000);
            }
        }

        @Override
        public long bytesSent() {
            return 0;
        }

        @Override
        public long sequence() {
            return sequence;
        }

        @Override
        public void setQueueLimitNs(long ns) {}
    }

    private final class Demand extends Stream implements PageRequester {
        private final DemandSource pages;
        private final Deque<long[]> requests = new ArrayDeque<>();
        private final Deque<Frame> answers = new ArrayDeque<>();

        Demand(DemandSource pages) {
            this.pages = pages;
        }

        @Override
        public void request(RamBlock block, long firstPage, int count) {
            if (!isClosed()) {
                requests.add(new long[] {block.index(), firstPage, count});
            }
        }

        @Override
        boolean deliver() {
            boolean ask = !requests.isEmpty() && !broken && source.isAlive();
            if (ask && (answers.isEmpty() || world.flip())) {
                answer(requests.removeFirst());
                return true;
            }
            if (answers.isEmpty()) {
                return false;
            }
            place(answers.removeFirst());
            return true;
        }

        private void answer(long[] request) {
            try {
                RamBlock block = pages.block((int) request[0]);
                int count = (int) request[2];
                ByteBuffer data = world.buffer();
                boolean zero = !pages.read(block, request[1], count, data);
                int[] versions = new int[count];
                for (int i = 0; i < count; i++) {
                    versions[i] = SimQemu.get(block, data, i * block.pageSizeBytes());
                }
                answers.add(new Frame(
                        0, block.index(), new long[] {request[1]}, new boolean[] {zero}, new int[][] {versions}));
            } catch (RuntimeException e) {
                world.trace(source.host, "request refused: " + e);
                SimLink.this.breakOff();
            }
        }
    }
}
