package dev.ferry.wire;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.Arrivals;
import dev.ferry.migration.CannotMoveException;
import dev.ferry.sys.ThreadPriority;
import dev.ferry.v1.AbortRequest;
import dev.ferry.v1.AbortResponse;
import dev.ferry.v1.CheckIncomingResponse;
import dev.ferry.v1.CommitRequest;
import dev.ferry.v1.CommitResponse;
import dev.ferry.v1.ConfirmLostRequest;
import dev.ferry.v1.ConfirmLostResponse;
import dev.ferry.v1.FinishRequest;
import dev.ferry.v1.FinishResponse;
import dev.ferry.v1.HelloRequest;
import dev.ferry.v1.HelloResponse;
import dev.ferry.v1.PagesLostRequest;
import dev.ferry.v1.PagesLostResponse;
import dev.ferry.v1.PeerServiceGrpc;
import dev.ferry.v1.PrepareRequest;
import dev.ferry.v1.PrepareResponse;
import dev.ferry.v1.ReconcileRequest;
import dev.ferry.v1.ReconcileResponse;
import dev.ferry.v1.SwitchoverRequest;
import dev.ferry.v1.SwitchoverResponse;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.function.Supplier;

/** The steps of a move as a destination takes them. Blocking calls, each on a thread of the server's pool. */
final class PeerService extends PeerServiceGrpc.PeerServiceImplBase {
    private final Arrivals arrivals;
    private final String version;
    private final String hostName;

    PeerService(Arrivals arrivals, String version, String hostName) {
        this.arrivals = arrivals;
        this.version = version;
        this.hostName = hostName;
    }

    @Override
    public void hello(HelloRequest request, StreamObserver<HelloResponse> response) {
        answer(response, () -> {
            if (request.getProtocolVersion() != PeerMessages.PROTOCOL_VERSION) {
                throw new FerryException(
                        ErrorCategory.FAILED_PRECONDITION,
                        "this ferryd (" + version + ") speaks protocol " + PeerMessages.PROTOCOL_VERSION
                                + ", the source (" + request.getFerryVersion() + ") speaks "
                                + request.getProtocolVersion() + ": install the same release on both hosts");
            }
            HelloResponse.Builder b = HelloResponse.newBuilder()
                    .setProtocolVersion(PeerMessages.PROTOCOL_VERSION)
                    .setFerryVersion(version)
                    .setHostName(hostName);
            if (request.hasMigration()) {
                b.setKnowsMigration(arrivals.knows(request.getMigration()));
            }
            return b.build();
        });
    }

    @Override
    public void checkIncoming(PrepareRequest request, StreamObserver<CheckIncomingResponse> response) {
        answer(response, () -> {
            CheckIncomingResponse.Builder b = CheckIncomingResponse.newBuilder()
                    .addAllReasons(PeerMessages.toProto(arrivals.check(PeerMessages.fromProto(request))));
            arrivals.memoryAvailableBytes().ifPresent(b::setMemoryAvailableBytes);
            return b.build();
        });
    }

    @Override
    public void prepare(PrepareRequest request, StreamObserver<PrepareResponse> response) {
        answer(response, () -> {
            PrepareResponse.Builder b = PrepareResponse.newBuilder();
            try {
                List<String> names = PeerTls.callersNames();
                arrivals.requireSource(request.getMigration(), names);
                arrivals.prepare(PeerMessages.fromProto(request).of(String.join(",", names)));
            } catch (CannotMoveException e) {
                b.addAllReasons(PeerMessages.toProto(e.reasons()));
            }
            return b.build();
        });
    }

    @Override
    public void switchover(SwitchoverRequest r, StreamObserver<SwitchoverResponse> response) {
        urgently(response, () -> {
            requireSource(r.getMigration());
            Arrivals.Switched done;
            try {
                done = arrivals.switchover(
                        r.getMigration(),
                        r.getEpoch(),
                        r.getBulkSequence(),
                        r.getStaleList().stream().map(PeerMessages::fromProto).toList(),
                        r.getSmallPagesList().stream()
                                .map(PeerMessages::fromProto)
                                .toList(),
                        r.getDeviceState().toByteArray());
            } catch (IllegalArgumentException e) {
                // Some of it may have been applied: what is here now is not what the source takes it for.
                arrivals.refused(r.getMigration(), r.getEpoch(), e.getMessage());
                throw e;
            }
            return SwitchoverResponse.newBuilder()
                    .addAllPhases(PeerMessages.phases(done.phases()))
                    .setResidualPages(done.residualPages())
                    .build();
        });
    }

    @Override
    public void commit(CommitRequest r, StreamObserver<CommitResponse> response) {
        urgently(response, () -> {
            requireSource(r.getMigration());
            Arrivals.Committed done = arrivals.commit(r.getMigration(), r.getEpoch());
            return CommitResponse.newBuilder()
                    .setOutcome(done.fenced() ? CommitResponse.Outcome.FENCED : CommitResponse.Outcome.RUNS)
                    .setMessage(done.message())
                    .addAllPhases(PeerMessages.phases(done.phases()))
                    .build();
        });
    }

    @Override
    public void abort(AbortRequest r, StreamObserver<AbortResponse> response) {
        answer(response, () -> {
            requireSource(r.getMigration());
            arrivals.abort(r.getMigration(), r.getEpoch(), r.getReason());
            return AbortResponse.getDefaultInstance();
        });
    }

    @Override
    public void reconcile(ReconcileRequest r, StreamObserver<ReconcileResponse> response) {
        answer(response, () -> {
            requireSource(r.getMigration());
            ReconcileResponse.Builder b = ReconcileResponse.newBuilder();
            arrivals.missing(r.getMigration(), r.getEpoch()).stream()
                    .map(PeerMessages::toProto)
                    .forEach(b::addMissing);
            return b.setComplete(b.getMissingCount() == 0).build();
        });
    }

    @Override
    public void finish(FinishRequest r, StreamObserver<FinishResponse> response) {
        answer(response, () -> {
            requireSource(r.getMigration());
            return FinishResponse.newBuilder()
                    .setStats(PeerMessages.toProto(arrivals.finish(r.getMigration(), r.getEpoch())))
                    .addAllFaultLatency(arrivals.faultLatency(r.getMigration()).flat())
                    .build();
        });
    }

    @Override
    public void pagesLost(PagesLostRequest r, StreamObserver<PagesLostResponse> response) {
        answer(response, () -> {
            requireSource(r.getMigration());
            arrivals.pagesLost(r.getMigration(), r.getEpoch(), r.getReason());
            return PagesLostResponse.getDefaultInstance();
        });
    }

    @Override
    public void confirmLost(ConfirmLostRequest r, StreamObserver<ConfirmLostResponse> response) {
        answer(response, () -> {
            requireSource(r.getMigration());
            arrivals.confirmLost(r.getMigration(), r.getEpoch());
            return ConfirmLostResponse.getDefaultInstance();
        });
    }

    private void requireSource(long migration) {
        arrivals.requireSource(migration, PeerTls.callersNames());
    }

    /** For the steps of the blackout: the guest stands still. */
    private static <T> void urgently(StreamObserver<T> response, Supplier<T> work) {
        ThreadPriority.urgent();
        try {
            answer(response, work);
        } finally {
            ThreadPriority.normal();
        }
    }

    private static <T> void answer(StreamObserver<T> response, Supplier<T> work) {
        T value;
        try {
            value = work.get();
        } catch (RuntimeException e) {
            response.onError(PeerStatus.of(e));
            return;
        }
        response.onNext(value);
        response.onCompleted();
    }
}
