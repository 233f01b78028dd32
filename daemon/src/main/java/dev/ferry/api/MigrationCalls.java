package dev.ferry.api;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.GuestControl;
import dev.ferry.migration.MigrationControl;
import dev.ferry.migration.Policy;
import dev.ferry.v1.CancelRequest;
import dev.ferry.v1.CheckRequest;
import dev.ferry.v1.CheckResponse;
import dev.ferry.v1.ConfirmNetworksRequest;
import dev.ferry.v1.GetReportRequest;
import dev.ferry.v1.GetRequest;
import dev.ferry.v1.ListRequest;
import dev.ferry.v1.ListResponse;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.Reason;
import dev.ferry.v1.Report;
import dev.ferry.v1.ResumeRequest;
import dev.ferry.v1.RollbackRequest;
import dev.ferry.v1.SetLimitsRequest;
import dev.ferry.v1.StartRequest;
import dev.ferry.v1.SwitchToPostcopyRequest;
import dev.ferry.v1.WatchRequest;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.Optional;

/** The calls of MigrationService. Called on the server's pool: they may block. */
final class MigrationCalls extends MigrationServiceGrpc.MigrationServiceImplBase {
    private static final double NS_PER_MS = 1e6;
    private static final long DEFAULT_INTERVAL_MS = 500;
    private static final long SHORTEST_INTERVAL_MS = 50;

    private final MigrationControl migrations;
    private final GuestControl guests;
    private volatile Policy defaults;
    private final Watches watches;
    private final ReportSource reports;

    MigrationCalls(
            MigrationControl migrations, GuestControl guests, Policy defaults, Watches watches, ReportSource reports) {
        this.migrations = migrations;
        this.guests = guests;
        this.defaults = defaults;
        this.watches = watches;
        this.reports = reports;
    }

    /** For what callers leave open from now on. */
    void defaults(Policy policy) {
        defaults = policy;
    }

    @Override
    public void check(CheckRequest request, StreamObserver<CheckResponse> observer) {
        Calls.answer("Check " + request.getGuest(), observer, () -> {
            String guest = Input.guest("guest", request.getGuest());
            MigrationControl.Checked checked =
                    migrations.check(guest, Input.peer(request.getTo()), Input.reservation(request.getReservationId()));
            CheckResponse.Builder response =
                    CheckResponse.newBuilder().setDestinationVersion(checked.destinationVersion());
            checked.against()
                    .forEach(r -> response.addReasons(Reason.newBuilder()
                            .setCode(r.code())
                            .setMessage(r.message())
                            .setTemporary(r.isTemporary())));
            checked.destinationMemoryBytes().ifPresent(response::setDestinationMemoryAvailableBytes);
            checked.prediction()
                    .ifPresent(p -> response.setMemoryPopulatedBytes(p.populatedBytes())
                            .setPredictedDowntimeMs(p.forecast().downtimeNs() / NS_PER_MS)
                            .setPredictedPostcopyMs(p.forecast().postcopyNs() / NS_PER_MS));
            return response.setMemoryTotalBytes(guests.show(guest).memoryBytes())
                    .build();
        });
    }

    @Override
    public void start(StartRequest request, StreamObserver<Migration> observer) {
        Calls.answer(
                "Start " + request.getGuest(),
                observer,
                () -> SnapshotMessages.of(migrations.start(
                        Input.guest("guest", request.getGuest()),
                        Input.peer(request.getTo()),
                        Input.requestId(request.getRequestId()),
                        Policies.of(request.getPolicy(), defaults),
                        Starts.options(request))));
    }

    @Override
    public void get(GetRequest request, StreamObserver<Migration> observer) {
        Calls.answer(
                "Get " + request.getId(),
                observer,
                () -> SnapshotMessages.of(migrations.get(Input.migration(request.getId()))));
    }

    @Override
    public void list(ListRequest request, StreamObserver<ListResponse> observer) {
        Calls.answer("List", observer, () -> {
            // First the token: what happens while the list is made is in both, and in none never.
            String token = migrations.events().token(migrations.events().last());
            return Pages.of(request, migrations.list()).toBuilder()
                    .setResumeToken(token)
                    .build();
        });
    }

    @Override
    public void confirmNetworks(ConfirmNetworksRequest request, StreamObserver<Migration> observer) {
        Calls.answer(
                "ConfirmNetworks " + request.getId(),
                observer,
                () -> SnapshotMessages.of(migrations.confirmNetworks(Input.migration(request.getId()))));
    }

    @Override
    public void watch(WatchRequest request, StreamObserver<Migration> observer) {
        long intervalMs;
        String id;
        try {
            id = Input.migration(request.getId());
            long said = Input.notNegative("interval_ms", request.getIntervalMs());
            intervalMs = said == 0 ? DEFAULT_INTERVAL_MS : Math.max(said, SHORTEST_INTERVAL_MS);
        } catch (RuntimeException e) {
            observer.onError(ApiStatus.of("Watch " + request.getId(), e));
            return;
        }
        watches.add(id, intervalMs, (ServerCallStreamObserver<Migration>) observer);
    }

    @Override
    public void switchToPostcopy(SwitchToPostcopyRequest request, StreamObserver<Migration> observer) {
        Calls.answer(
                "SwitchToPostcopy " + request.getId(),
                observer,
                () -> SnapshotMessages.of(migrations.switchToPostcopy(Input.migration(request.getId()))));
    }

    @Override
    public void cancel(CancelRequest request, StreamObserver<Migration> observer) {
        Calls.answer(
                "Cancel " + request.getId(),
                observer,
                () -> SnapshotMessages.of(migrations.cancel(Input.migration(request.getId()))));
    }

    @Override
    public void rollback(RollbackRequest request, StreamObserver<Migration> observer) {
        Calls.answer(
                "Rollback " + request.getId(),
                observer,
                () -> SnapshotMessages.of(migrations.rollback(
                        Input.migration(request.getId()),
                        request.getAcceptDataLoss(),
                        request.getDestinationIsFenced())));
    }

    @Override
    public void resume(ResumeRequest request, StreamObserver<Migration> observer) {
        Calls.answer(
                "Resume " + request.getId(),
                observer,
                () -> SnapshotMessages.of(migrations.resume(Input.migration(request.getId()))));
    }

    @Override
    public void getReport(GetReportRequest request, StreamObserver<Report> observer) {
        Calls.answer("GetReport " + request.getId(), observer, () -> {
            String id = Input.migration(request.getId());
            Optional<Report> report = reports.report(id);
            if (report.isEmpty()) {
                migrations.get(id); // NOT_FOUND with what there is
                throw new FerryException(
                        ErrorCategory.NOT_FOUND,
                        "the record of migration " + id + " is not kept any more; ferry show " + id
                                + " has its summary");
            }
            return report.get();
        });
    }

    @Override
    public void setLimits(SetLimitsRequest request, StreamObserver<Migration> observer) {
        Calls.answer(
                "SetLimits " + request.getId(),
                observer,
                () -> SnapshotMessages.of(
                        migrations.setLimits(Input.migration(request.getId()), Policies.limits(request))));
    }
}
