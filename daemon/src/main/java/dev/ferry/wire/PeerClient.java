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
import dev.ferry.postcopy.LatencyBuckets;
import dev.ferry.v1.AbortRequest;
import dev.ferry.v1.CheckIncomingResponse;
import dev.ferry.v1.CommitRequest;
import dev.ferry.v1.CommitResponse;
import dev.ferry.v1.ConfirmLostRequest;
import dev.ferry.v1.FinishRequest;
import dev.ferry.v1.FinishResponse;
import dev.ferry.v1.HelloRequest;
import dev.ferry.v1.HelloResponse;
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
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** A source's way to one destination, for one migration: three channels, each its own TCP connection and event loop. */
final class PeerClient implements PeerLink {
    /** gRPC's own limit for streams of ours; they live as long as the migration. */
    private static final CallOptions ON_THE_EVENT_LOOP = CallOptions.DEFAULT.withExecutor(Runnable::run);

    /** For a connection to be made to a peer that has just answered from near. */
    private static final int CONNECT_MS = 250;

    private static final int CONNECT_FAR_MS = 3_000;

    /** A connection that takes so much longer than the one before was lost on the way. */
    private static final int CONNECT_FACTOR = 4;

    /** For the answer to the first call: it does nothing, so a link that was cut again is likelier than a peer that is slow. */
    private static final long ANSWER_NS = TimeUnit.MILLISECONDS.toNanos(750);

    private static final long OPEN_LIMIT_NS = TimeUnit.SECONDS.toNanos(10);

    /** As it was said: one address or several. */
    private final String peer;

    private final List<String> addresses;
    private final long migration;
    private final long epoch;
    private final String version;
    private final long connectSeconds;
    private final PeerChannels channels;

    /** Null until somebody has answered. */
    private ManagedChannel control;

    /** Where the last answer came from. */
    private String address;

    private int connectMs = CONNECT_FAR_MS;
    private volatile BulkStream bulk;
    private volatile DemandStream demand;
    private long bytesOfEarlierDemand;

    private volatile PostcopyCounts counts = PostcopyCounts.NONE;
    private OptionalLong memoryAvailableBytes = OptionalLong.empty();
    private LatencyBuckets faultLatency = LatencyBuckets.NONE;

    PeerClient(PeerChannels channels, String peer, long migration, long epoch, String version, long connectSeconds) {
        this.peer = peer;
        this.addresses = List.of(peer.split(","));
        this.address = addresses.get(0);
        this.migration = migration;
        this.epoch = epoch;
        this.version = version;
        this.connectSeconds = connectSeconds;
        this.channels = channels;
    }

    @Override
    public String hello() {
        if (control != null) {
            return helloOnce(TimeUnit.SECONDS.toNanos(connectSeconds), false);
        }
        String said = find(false, () -> {});
        // The streams' connections may be made while the guest runs on: a short cut is sat out.
        connectMs = CONNECT_FAR_MS;
        return said;
    }

    @Override
    public void reconnect(boolean guestWaits, Runnable goesOn) {
        if (guestWaits) {
            channels.beImpatient();
        }
        find(true, goesOn);
    }

    /**
     * Says hello wherever it can be said. Everything else goes the same way from then on.
     *
     * @param again only to whom knows the migration
     */
    private String find(boolean again, Runnable goesOn) {
        long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(connectSeconds);
        List<String> left = new ArrayList<>(addresses);
        Map<String, FerryException> away = new LinkedHashMap<>();
        FerryException refused = null;
        for (long answerNs = ANSWER_NS; ; answerNs *= 2) {
            long leftNs = Math.max(1, endNs - System.nanoTime());
            Knocking.Answer answer;
            try (Knocking knocking = new Knocking(left)) {
                answer = knocking.await(leftNs, goesOn);
            } catch (FerryException e) {
                throw notThere(e);
            }
            use(answer);
            try {
                return helloOnce(Math.min(leftNs, Math.max(answerNs, CONNECT_FACTOR * answer.tookNs())), again);
            } catch (FerryException e) {
                if (e.category() != ErrorCategory.UNAVAILABLE) {
                    left.remove(address);
                    away.remove(address); // it was only slow
                    refused = refused == null ? e : refused;
                } else {
                    if (!wasSilence(e)) {
                        left.remove(address);
                    } // else the link was cut again, or the peer is slow
                    away.put(address, e);
                }
                if (left.isEmpty() || System.nanoTime() > endNs) {
                    // Where somebody is away he may be the right one: what another one says is not the last word.
                    throw away.isEmpty() ? refused : List.copyOf(away.values()).get(away.size() - 1);
                }
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

    private void use(Knocking.Answer answer) {
        if (control != null) {
            channels.close(control);
        }
        address = answer.address();
        connectMs = (int) Math.min(
                CONNECT_FAR_MS, Math.max(CONNECT_MS, TimeUnit.NANOSECONDS.toMillis(CONNECT_FACTOR * answer.tookNs())));
        channels.use(address, connectMs);
        control = channels.openUrgent("control");
    }

    /** @param again whether it has to know the migration */
    private String helloOnce(long limitNs, boolean again) {
        HelloRequest.Builder request = HelloRequest.newBuilder()
                .setProtocolVersion(PeerMessages.PROTOCOL_VERSION)
                .setFerryVersion(version);
        if (again) {
            request.setMigration(migration);
        }
        HelloResponse response;
        try {
            response = stub(connectSeconds)
                    .withDeadlineAfter(limitNs, TimeUnit.NANOSECONDS)
                    .hello(request.build());
        } catch (RuntimeException e) {
            FerryException f = PeerStatus.toFerry("destination " + address, e);
            throw switch (f.category()) {
                case UNAVAILABLE, DEADLINE_EXCEEDED -> notThere(f);
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
        // An older ferryd does not say.
        if (again && response.hasKnowsMigration() && !response.getKnowsMigration()) {
            throw new FerryException(
                    ErrorCategory.NOT_FOUND,
                    "destination " + address + ": the ferryd there (" + response.getHostName()
                            + ") does not know this migration: it is another one, or its host was restarted");
        }
        return response.getFerryVersion();
    }

    private FerryException notThere(FerryException e) {
        String what = e.getMessage().startsWith("destination ")
                ? e.getMessage()
                : "destination " + peer + ": " + e.getMessage();
        return new FerryException(
                ErrorCategory.UNAVAILABLE, what + ": is ferryd running there, and is this its peer address?", e);
    }

    @Override
    public List<Reason> check(IncomingSpec spec) {
        CheckIncomingResponse answer = call("check", () -> stub(30).checkIncoming(PeerMessages.toProto(spec)));
        memoryAvailableBytes = answer.hasMemoryAvailableBytes()
                ? OptionalLong.of(answer.getMemoryAvailableBytes())
                : OptionalLong.empty();
        return PeerMessages.fromProto(answer.getReasonsList());
    }

    @Override
    public OptionalLong memoryAvailableBytes() {
        return memoryAvailableBytes;
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
        channels.use(address, connectMs);
        DemandStream before = demand;
        demand = new DemandStream(
                channels.openUrgent("demand")
                        .newCall(
                                PageMethods.DEMAND,
                                ON_THE_EVENT_LOOP.withOnReadyThreshold(DemandStream.MOST_UNSENT_BYTES)),
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
        channels.use(address, connectMs);
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
        FinishResponse answer = call(
                "finish",
                () -> stub(60).finish(FinishRequest.newBuilder()
                        .setMigration(migration)
                        .setEpoch(epoch)
                        .build()));
        counts = PeerMessages.fromProto(answer.getStats());
        faultLatency = LatencyBuckets.ofFlat(answer.getFaultLatencyList());
        return counts;
    }

    @Override
    public LatencyBuckets faultLatency() {
        return faultLatency;
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
        if (control == null) { // nobody has answered yet: the first one is asked all the same
            channels.use(address, CONNECT_MS);
            control = channels.openUrgent("control");
        }
        return PeerServiceGrpc.newBlockingStub(control)
                .withMaxInboundMessageSize(PeerServer.MAX_MESSAGE_BYTES)
                .withDeadlineAfter(seconds, TimeUnit.SECONDS);
    }

    private static ByteString wrap(byte[] bytes) {
        return UnsafeByteOperations.unsafeWrap(bytes);
    }
}
