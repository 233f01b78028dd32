package dev.ferry.api;

import dev.ferry.migration.PlacementControl;
import dev.ferry.v1.GetHostRequest;
import dev.ferry.v1.Host;
import dev.ferry.v1.ListReservationsRequest;
import dev.ferry.v1.ListReservationsResponse;
import dev.ferry.v1.PlacementServiceGrpc;
import dev.ferry.v1.ReleaseReservationRequest;
import dev.ferry.v1.Reservation;
import dev.ferry.v1.ReserveRequest;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.TimeUnit;

/** The calls of PlacementService. Called on the server's pool. */
final class PlacementCalls extends PlacementServiceGrpc.PlacementServiceImplBase {
    private static final long DEFAULT_TTL_SECONDS = 60;
    private static final long LONGEST_TTL_SECONDS = 3600;

    private final PlacementControl placement;
    private final HostIdentity host;

    PlacementCalls(PlacementControl placement, HostIdentity host) {
        this.placement = placement;
        this.host = host;
    }

    @Override
    public void getHost(GetHostRequest request, StreamObserver<Host> observer) {
        Calls.answer("GetHost", observer, () -> {
            PlacementControl.Capacity now = placement.capacity();
            return Host.newBuilder()
                    .setName(host.name())
                    .setPeerAddress(host.peerAddress())
                    .setVersion(host.version())
                    .setMemoryAvailableBytes(now.availableBytes())
                    .setMemoryFreeBytes(now.freeBytes())
                    .setMemoryReservedBytes(now.reservedBytes())
                    .setMemoryArrivingBytes(now.arrivingBytes())
                    .build();
        });
    }

    @Override
    public void reserve(ReserveRequest request, StreamObserver<Reservation> observer) {
        Calls.answer("Reserve " + request.getGuest(), observer, () -> {
            long bytes = Input.notNegative("memory_bytes", request.getMemoryBytes());
            if (bytes == 0) {
                throw ApiStatus.invalid(
                        "memory_bytes: missing; CheckResponse.memory_total_bytes says what a guest needs");
            }
            long seconds =
                    Input.between("ttl_seconds", request.getTtlSeconds(), DEFAULT_TTL_SECONDS, LONGEST_TTL_SECONDS);
            return of(placement.reserve(
                    Input.guest("guest", request.getGuest()),
                    bytes,
                    TimeUnit.SECONDS.toNanos(seconds),
                    Input.requestId(request.getRequestId())));
        });
    }

    @Override
    public void releaseReservation(ReleaseReservationRequest request, StreamObserver<Reservation> observer) {
        Calls.answer(
                "ReleaseReservation " + request.getId(),
                observer,
                () -> of(placement.release(Input.required("id", Input.reservation(request.getId())))));
    }

    @Override
    public void listReservations(ListReservationsRequest request, StreamObserver<ListReservationsResponse> observer) {
        Calls.answer("ListReservations", observer, () -> {
            long said = Input.notNegative("page_size", request.getPageSize());
            Pages.Cut<PlacementControl.Reservation> cut = Pages.cut(
                    placement.reservations(),
                    PlacementControl.Reservation::id,
                    request.getPageToken(),
                    said == 0 ? Pages.DEFAULT_SIZE : Math.min(said, Pages.LARGEST));
            ListReservationsResponse.Builder response =
                    ListReservationsResponse.newBuilder().setNextPageToken(cut.nextPageToken());
            cut.page().forEach(r -> response.addReservations(of(r)));
            return response.build();
        });
    }

    private static Reservation of(PlacementControl.Reservation r) {
        return Reservation.newBuilder()
                .setId(r.id())
                .setGuest(r.guest())
                .setMemoryBytes(r.memoryBytes())
                .setRequestId(r.requestId())
                .setExpiresUnixMs(r.expiresUnixMs())
                .setLeftMs(TimeUnit.NANOSECONDS.toMillis(r.leftNs()))
                .build();
    }
}
