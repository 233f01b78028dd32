package dev.ferry.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.Arrivals;
import dev.ferry.migration.CannotMoveException;
import dev.ferry.migration.DemandSource;
import dev.ferry.migration.IncomingSpec;
import dev.ferry.migration.MigrationSnapshot.PostcopyCounts;
import dev.ferry.migration.PageRuns;
import dev.ferry.migration.PeerLink;
import dev.ferry.migration.Reason;
import dev.ferry.migration.SmallPages;
import dev.ferry.v1.AbortRequest;
import dev.ferry.v1.CommitRequest;
import dev.ferry.v1.CommitResponse;
import dev.ferry.v1.ConfirmLostRequest;
import dev.ferry.v1.FinishRequest;
import dev.ferry.v1.HelloRequest;
import dev.ferry.v1.PagesLostRequest;
import dev.ferry.v1.PeerServiceGrpc;
import dev.ferry.v1.ReconcileRequest;
import dev.ferry.v1.SwitchoverRequest;
import dev.ferry.v1.SwitchoverResponse;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.netty.channel.ConnectTimeoutException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** A source's way to one destination, for one migration: three channels, each its own TCP connection and event loop. */
final class PeerClient implements PeerLink {
    /** gRPC's own limit for streams of ours; they live as long as the migration. */
    private static final CallOptions ON_THE_EVENT_LOOP = CallOptions.DEFAULT.withExecutor(Runnable::run);

    /**
     * For a connection to be made. A first packet that is lost is sent again a second later: when a link comes back, another
     * attempt is there sooner. Where the way is long, every fourth one waits.
     */
    private static final int CONNECT_MS = 250;

    private static final int CONNECT_FAR_MS = 3_000;

    /** For the answer to the first call: it does nothing, so a link that was cut again is likelier than a peer that is slow. */
    private static final long ANSWER_NS = TimeUnit.MILLISECONDS.toNanos(750);

    private static final int ATTEMPTS = 4;
    private static final long OPEN_LIMIT_NS = TimeUnit.SECONDS.toNanos(10);

    private final String peer;
    private final long migration;
    private final long epoch;
    private final String version;
    private final long connectSeconds;
    private final PeerChannels channels;
    private ManagedChannel control;
    private volatile BulkStream bulk;
    private volatile DemandStream demand;
    private long bytesOfEarlierDemand;
    /** The last connection took longer than a near peer takes. */
    private boolean far;

    private volatile PostcopyCounts counts = PostcopyCounts.NONE;

    PeerClient(PeerChannels channels, String peer, long migration, long epoch, String version, long connectSeconds) {
        this.peer = peer;
        this.migration = migration;
        this.epoch = epoch;
        this.version = version;
        this.connectSeconds = connectSeconds;
        this.channels = channels;
        channels.limitConnect(CONNECT_MS);
        this.control = channels.openUrgent("control");
    }

    @Override
    public String hello() {
        long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(connectSeconds);
        far = false;
        for (int attempt = 1; ; attempt++) {
            try {
                long leftNs = Math.max(1, endNs - System.nanoTime());
                String peerVersion = helloOnce(far ? leftNs : Math.min(leftNs, ANSWER_NS));
                // The streams' connections may be made while the guest runs on: a short cut is sat out.
                channels.limitConnect(CONNECT_FAR_MS);
                return peerVersion;
            } catch (FerryException e) {
                if (!wasSilence(e) || System.nanoTime() > endNs) {
                    throw e;
                }
                far = (attempt + 1) % ATTEMPTS == 0;
                channels.close(control);
                channels.limitConnect(far ? CONNECT_FAR_MS : CONNECT_MS);
                control = channels.openUrgent("control");
            }
        }
    }

    private static boolean wasSilence(Throwable e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof ConnectTimeoutException
                    || (t instanceof StatusRuntimeException s
                            && s.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED)) {
                return true;
            }
        }
        return false;
    }

    private String helloOnce(long limitNs) {
        try {
            return stub(connectSeconds)
                    .withDeadlineAfter(limitNs, TimeUnit.NANOSECONDS)
                    .hello(HelloRequest.newBuilder()
                            .setProtocolVersion(PeerMessages.PROTOCOL_VERSION)
                            .setFerryVersion(version)
                            .build())
                    .getFerryVersion();
        } catch (RuntimeException e) {
            FerryException f = PeerStatus.toFerry("destination " + peer, e);
            throw switch (f.category()) {
                case UNAVAILABLE, DEADLINE_EXCEEDED ->
                    new FerryException(
                            ErrorCategory.UNAVAILABLE,
                            f.getMessage() + ": is ferryd running there, and is this its peer address?",
                            e);
                case UNIMPLEMENTED, INTERNAL ->
                    new FerryException(
                            ErrorCategory.FAILED_PRECONDITION,
                            f.getMessage() + ": whatever listens there is not a ferryd's peer address",
                            e);
                case INVALID_ARGUMENT,
                        NOT_FOUND,
                        ALREADY_EXISTS,
                        FAILED_PRECONDITION,
                        RESOURCE_EXHAUSTED,
                        PERMISSION_DENIED,
                        ABORTED -> f;
            };
        }
    }

    @Override
    public List<Reason> check(IncomingSpec spec) {
        return call(
                "check",
                () -> PeerMessages.fromProto(
                        stub(30).checkIncoming(PeerMessages.toProto(spec)).getReasonsList()));
    }

    @Override
    public void prepare(IncomingSpec spec) {
        List<Reason> reasons = call(
                "prepare",
                () -> PeerMessages.fromProto(
                        stub(60).prepare(PeerMessages.toProto(spec)).getReasonsList()));
        if (!reasons.isEmpty()) {
            throw new CannotMoveException(spec.guest(), reasons);
        }
    }

    @Override
    public void openDemand(DemandSource source) {
        channels.beImpatient(); // from here on somebody may wait
        DemandStream before = demand;
        demand = new DemandStream(
                channels.openUrgent("demand").newCall(PageMethods.DEMAND, ON_THE_EVENT_LOOP),
                source,
                migration,
                epoch,
                peer,
                this::demandBroke);
        demand.open(OPEN_LIMIT_NS);
        if (before != null) {
            bytesOfEarlierDemand += before.bytesSent();
            before.close();
        }
    }

    @Override
    public BulkLink openBulk() {
        bulk = new BulkStream(
                channels.openBackground("bulk").newCall(PageMethods.BULK, ON_THE_EVENT_LOOP),
                migration,
                epoch,
                peer,
                ack -> counts = PeerMessages.fromProto(ack.getStats()));
        bulk.open(OPEN_LIMIT_NS);
        return bulk;
    }

    @Override
    public Arrivals.Switched switchover(
            long bulkSequence, List<PageRuns> stale, List<SmallPages> small, byte[] deviceState) {
        SwitchoverRequest.Builder b = SwitchoverRequest.newBuilder()
                .setMigration(migration)
                .setEpoch(epoch)
                .setBulkSequence(bulkSequence)
                .setDeviceState(wrap(deviceState));
        stale.forEach(runs -> b.addStale(PeerMessages.toProto(runs)));
        small.forEach(pages -> b.addSmallPages(PeerMessages.toProto(pages)));
        SwitchoverResponse r = call("switchover", () -> stub(30).switchover(b.build()));
        return new Arrivals.Switched(PeerMessages.times(r.getPhasesList()), r.getResidualPages());
    }

    @Override
    public Arrivals.Committed commit() {
        CommitResponse r = call(
                "commit",
                () -> stub(15).commit(CommitRequest.newBuilder()
                        .setMigration(migration)
                        .setEpoch(epoch)
                        .build()));
        // Anything but a clear word for it counts as running: the source must not go on by mistake.
        boolean fenced = r.getOutcome() == CommitResponse.Outcome.FENCED;
        return new Arrivals.Committed(fenced, r.getMessage(), PeerMessages.times(r.getPhasesList()));
    }

    @Override
    public void abort(String reason) {
        call(
                "abort",
                () -> stub(10).abort(AbortRequest.newBuilder()
                        .setMigration(migration)
                        .setEpoch(epoch)
                        .setReason(reason)
                        .build()));
    }

    @Override
    public List<PageRuns> missing() {
        channels.beImpatient();
        channels.limitConnect(
                far ? CONNECT_FAR_MS : CONNECT_MS); // the link may be cut again before the streams are open
        return call(
                "reconcile",
                () -> stub(10)
                        .reconcile(ReconcileRequest.newBuilder()
                                .setMigration(migration)
                                .setEpoch(epoch)
                                .build())
                        .getMissingList()
                        .stream()
                        .map(PeerMessages::fromProto)
                        .toList());
    }

    @Override
    public PostcopyCounts finish() {
        counts = call(
                "finish",
                () -> PeerMessages.fromProto(stub(60).finish(FinishRequest.newBuilder()
                                .setMigration(migration)
                                .setEpoch(epoch)
                                .build())
                        .getStats()));
        return counts;
    }

    @Override
    public void pagesLost(String reason) {
        call(
                "pages lost",
                () -> stub(10).pagesLost(PagesLostRequest.newBuilder()
                        .setMigration(migration)
                        .setEpoch(epoch)
                        .setReason(reason)
                        .build()));
    }

    @Override
    public void confirmLost() {
        call(
                "confirm that the guest is lost",
                () -> stub(30).confirmLost(ConfirmLostRequest.newBuilder()
                        .setMigration(migration)
                        .setEpoch(epoch)
                        .build()));
    }

    @Override
    public PostcopyCounts lastCounts() {
        return counts;
    }

    @Override
    public void throwIfBroken() {
        if (demand != null) {
            demand.throwIfBroken();
        }
        if (bulk != null) {
            bulk.throwIfBroken();
        }
    }

    @Override
    public long bytesSent() {
        return bytesOfEarlierDemand + (bulk == null ? 0 : bulk.bytesSent()) + (demand == null ? 0 : demand.bytesSent());
    }

    @Override
    public void close() {
        if (bulk != null) {
            bulk.close();
        }
        if (demand != null) {
            demand.close();
        }
        channels.close();
    }

    /** On its event loop. Both streams take the same way: the push finds out at once, not when its own connection does. */
    private void demandBroke(DemandStream which) {
        BulkStream other = bulk;
        if (which == demand && other != null) {
            other.breakOff("the demand stream has broken");
        }
    }

    private <T> T call(String step, Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException e) {
            throw PeerStatus.toFerry(step + " at destination " + peer, e);
        }
    }

    private PeerServiceGrpc.PeerServiceBlockingStub stub(long seconds) {
        return PeerServiceGrpc.newBlockingStub(control)
                .withMaxInboundMessageSize(PeerServer.MAX_MESSAGE_BYTES)
                .withDeadlineAfter(seconds, TimeUnit.SECONDS);
    }

    private static ByteString wrap(byte[] bytes) {
        return UnsafeByteOperations.unsafeWrap(bytes);
    }
}
