package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import dev.ferry.base.NanoClock;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.MoveLimits;
import dev.ferry.migration.Policy;
import dev.ferry.v1.CheckRequest;
import dev.ferry.v1.EventServiceGrpc;
import dev.ferry.v1.GetHostRequest;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.ListGuestsRequest;
import dev.ferry.v1.ListRequest;
import dev.ferry.v1.ListReservationsRequest;
import dev.ferry.v1.ListReservationsResponse;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.PlacementServiceGrpc;
import dev.ferry.v1.ReleaseReservationRequest;
import dev.ferry.v1.Reservation;
import dev.ferry.v1.ReserveRequest;
import dev.ferry.v1.StartRequest;
import dev.ferry.v1.SwitchToPostcopyRequest;
import dev.ferry.v1.WatchEventsRequest;
import dev.ferry.v1.WatchEventsResponse;
import dev.ferry.v1.WatchEventsResponse.Kind;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What schedulers say beside the command line's calls, over TCP, with fakes behind it. */
@Timeout(30)
class SchedulerCallsTest {
    @TempDir
    Path dir;

    private final FakeMigrations migrations = new FakeMigrations();
    private ControlServer server;
    private ManagedChannel channel;
    private PlacementServiceGrpc.PlacementServiceBlockingStub placement;
    private MigrationServiceGrpc.MigrationServiceBlockingStub calls;
    private EventServiceGrpc.EventServiceBlockingStub events;

    private AuditLog audit;

    @BeforeEach
    void start() throws Exception {
        audit = new AuditLog(dir.resolve("audit.log"));
        server = new ControlServer(
                List.of("127.0.0.1:0"),
                migrations,
                new FakeGuests(),
                new FakePlacement(),
                new HostIdentity("north", "127.0.0.1:7420", "1.2"),
                () -> new DaemonStatus(
                        "1.2",
                        "here",
                        "127.0.0.1:7",
                        Optional.empty(),
                        0,
                        new MoveLimits(3, 8),
                        new MoveLimits.Taken(1, 2),
                        0),
                Optional.empty(),
                new ControlRoles(List.of("nobody"), List.of(), List.of()),
                audit,
                Policy.defaults(),
                NanoClock.system());
        channel = NettyChannelBuilder.forTarget(server.addresses().get(0))
                .usePlaintext()
                .build();
        placement = PlacementServiceGrpc.newBlockingStub(channel);
        calls = MigrationServiceGrpc.newBlockingStub(channel);
        events = EventServiceGrpc.newBlockingStub(channel);
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.close();
        audit.close(); // calls that end late write nothing any more
    }

    private static ReserveRequest reserve(String guest, long bytes) {
        return ReserveRequest.newBuilder()
                .setGuest(guest)
                .setMemoryBytes(bytes)
                .setTtlSeconds(7)
                .setRequestId("r")
                .build();
    }

    private static <T extends Message> T detail(ThrowingCallable call, Class<T> kind) {
        List<T> found = new ArrayList<>();
        assertThatThrownBy(call).satisfies(e -> {
            for (Any any : StatusProto.fromThrowable(e).getDetailsList()) {
                if (any.is(kind)) {
                    try {
                        found.add(any.unpack(kind));
                    } catch (InvalidProtocolBufferException bad) {
                        throw new AssertionError(bad);
                    }
                }
            }
        });
        assertThat(found).hasSize(1);
        return found.get(0);
    }

    @Test
    void shouldReserveListAndRelease() {
        Reservation r = placement.reserve(reserve("g1", 4));
        assertThat(r.getMemoryBytes()).isEqualTo(4);
        assertThat(r.getLeftMs()).isEqualTo(7_000);
        assertThat(r.getExpiresUnixMs()).isEqualTo(8_000);
        assertThat(r.getRequestId()).isEqualTo("r");
        placement.reserve(reserve("g2", 1));
        var host = placement.getHost(GetHostRequest.getDefaultInstance());
        assertThat(host.getName()).isEqualTo("north");
        assertThat(host.getPeerAddress()).isEqualTo("127.0.0.1:7420");
        assertThat(host.getMemoryAvailableBytes()).isEqualTo(5);
        assertThat(host.getMemoryReservedBytes()).isEqualTo(5);
        assertThat(host.getMemoryFreeBytes()).isEqualTo(11);
        assertThat(host.getMemoryArrivingBytes()).isEqualTo(1);

        ListReservationsResponse page = placement.listReservations(
                ListReservationsRequest.newBuilder().setPageSize(1).build());
        assertThat(page.getReservationsList()).extracting(Reservation::getGuest).containsExactly("g1");
        ListReservationsRequest next = ListReservationsRequest.newBuilder()
                .setPageSize(1)
                .setPageToken(page.getNextPageToken())
                .build();
        page = placement.listReservations(next);
        assertThat(page.getReservationsList()).extracting(Reservation::getGuest).containsExactly("g2");
        assertThat(page.getNextPageToken()).isEmpty();

        var release = ReleaseReservationRequest.newBuilder().setId(r.getId()).build();
        assertThat(placement.releaseReservation(release).getGuest()).isEqualTo("g1");
        ErrorInfo info = detail(() -> placement.releaseReservation(release), ErrorInfo.class);
        assertThat(info.getReason()).isEqualTo("RESERVATION_UNKNOWN");
        assertThat(info.getDomain()).isEqualTo("ferry.dev");
    }

    @Test
    void shouldRefuseWithDetailsThatProgramsRead() {
        PreconditionFailure refusal = detail(() -> placement.reserve(reserve("g1", 40)), PreconditionFailure.class);
        assertThat(refusal.getViolations(0).getType()).isEqualTo("DESTINATION_MEMORY");
        assertThat(refusal.getViolations(0).getSubject()).isEqualTo("g1");
        BadRequest bad = detail(() -> placement.reserve(reserve("g1", 0)), BadRequest.class);
        assertThat(bad.getFieldViolations(0).getField()).isEqualTo("memory_bytes");
        bad = detail(
                () -> placement.reserve(
                        reserve("g1", 1).toBuilder().setTtlSeconds(3601).build()),
                BadRequest.class);
        assertThat(bad.getFieldViolations(0).getField()).isEqualTo("ttl_seconds");
        bad = detail(
                () -> placement.listReservations(ListReservationsRequest.newBuilder()
                        .setPageToken("MTcwOjAw")
                        .build()),
                BadRequest.class);
        assertThat(bad.getFieldViolations(0).getField()).isEqualTo("page_token");
        ErrorInfo info = detail(
                () -> calls.switchToPostcopy(
                        SwitchToPostcopyRequest.newBuilder().setId(Snapshots.ID).build()),
                ErrorInfo.class);
        assertThat(info.getReason()).isEqualTo("FAILED_PRECONDITION");
    }

    @Test
    void shouldPassOnWhatASchedulerSaysWithAStart() {
        StartRequest request = StartRequest.newBuilder()
                .setGuest("g1")
                .setTo("host:1")
                .setRequestId("a")
                .setReservationId("00000000000000aa")
                .setNetworkHoldMs(250)
                .setNetworkRequired(true)
                .build();
        var shown = calls.start(request);
        assertThat(migrations.lastOptions.reservation()).isEqualTo("00000000000000aa");
        assertThat(migrations.lastOptions.networkHoldNs()).isEqualTo(250_000_000);
        assertThat(migrations.lastOptions.networkRequired()).isTrue();
        String fingerprint = migrations.lastOptions.fingerprint();
        calls.start(request.toBuilder().setRequestId("b").build());
        assertThat(migrations.lastOptions.fingerprint()).isEqualTo(fingerprint);
        calls.start(request.toBuilder().setTo("host:2").build());
        assertThat(migrations.lastOptions.fingerprint()).isNotEqualTo(fingerprint);
        assertThat(shown.getStatus()).isEqualTo("preparing");
        assertThat(shown.getNetworkHoldMs()).isEqualTo(34);

        assertThatThrownBy(() ->
                        calls.start(request.toBuilder().setNetworkHoldMs(10_001).build()))
                .hasMessageContaining("network_hold_ms");
        assertThatThrownBy(() ->
                        calls.start(request.toBuilder().setNetworkHoldMs(0).build()))
                .hasMessageContaining("network_required");
        assertThatThrownBy(() ->
                        calls.start(request.toBuilder().setReservationId("x").build()))
                .hasMessageContaining("reservation_id");
        calls.check(CheckRequest.newBuilder()
                .setGuest("g1")
                .setTo("host:1")
                .setReservationId("00000000000000ab")
                .build());
        assertThat(migrations.lastOptions.reservation()).isEqualTo("00000000000000ab");
    }

    @Test
    void shouldCutGuestsIntoPagesOnlyWhenAsked() {
        var guests = GuestServiceGrpc.newBlockingStub(channel);
        int all = guests.list(ListGuestsRequest.getDefaultInstance()).getGuestsCount();
        String token = "";
        int seen = 0;
        do {
            var page = guests.list(ListGuestsRequest.newBuilder()
                    .setPageSize(1)
                    .setPageToken(token)
                    .build());
            seen += page.getGuestsCount();
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        assertThat(seen).isEqualTo(all).isPositive();
    }

    private Iterator<WatchEventsResponse> watch(String token, String id) {
        return events.withDeadlineAfter(20, TimeUnit.SECONDS)
                .watchEvents(WatchEventsRequest.newBuilder()
                        .setResumeToken(token)
                        .setId(id)
                        .build());
    }

    @Test
    void shouldGiveEveryLaterEventAfterALostConnection() throws Exception {
        String token = calls.list(ListRequest.getDefaultInstance()).getResumeToken();
        migrations.become(MigrationState.PRECOPY);
        try (Context.CancellableContext lost = Context.current().withCancellation()) {
            lost.call(() -> {
                Iterator<WatchEventsResponse> first = watch(token, "");
                assertThat(first.next().getKind()).isEqualTo(Kind.KIND_WATCHING);
                assertThat(first.next().getMigration().getStatus()).isEqualTo("running");
                return null;
            });
        }
        migrations.become(MigrationState.SWITCHOVER);
        migrations.become(MigrationState.COMPLETED);
        Iterator<WatchEventsResponse> again = watch(token, Snapshots.ID);
        List<WatchEventsResponse> all = new ArrayList<>();
        again.forEachRemaining(all::add); // ends with the migration
        assertThat(all).extracting(WatchEventsResponse::getSequence).containsExactly(0L, 1L, 2L, 3L);
        assertThat(all.get(3).getMigration().getState().name()).isEqualTo("COMPLETED");
        assertThat(all.get(3).getUnixMs()).isEqualTo(1_700_000_000_000L);

        List<WatchEventsResponse> rest = new ArrayList<>();
        watch(all.get(2).getResumeToken(), Snapshots.ID).forEachRemaining(rest::add);
        assertThat(rest).extracting(WatchEventsResponse::getSequence).containsExactly(0L, 3L);
        rest.clear();
        watch(all.get(3).getResumeToken(), Snapshots.ID).forEachRemaining(rest::add);
        assertThat(rest).hasSize(1);
    }

    @Test
    void shouldSayWhenEventsCannotBeResumed() {
        for (int i = 0; i < 9; i++) {
            migrations.become(MigrationState.PRECOPY);
        }
        assertThat(detail(() -> watch("e0-0", "").forEachRemaining(e -> {}), ErrorInfo.class)
                        .getReason())
                .isEqualTo("EVENTS_TOO_OLD");
        assertThat(detail(() -> watch("e1-0", "").forEachRemaining(e -> {}), ErrorInfo.class)
                        .getReason())
                .isEqualTo("EVENTS_OF_EARLIER_DAEMON");
        assertThat(detail(() -> watch("what", "").forEachRemaining(e -> {}), BadRequest.class)
                        .getFieldViolations(0)
                        .getField())
                .isEqualTo("resume_token");
        assertThatThrownBy(() -> watch("", "00000000000000ff").forEachRemaining(e -> {}))
                .hasMessageContaining("NOT_FOUND");
    }

    @Test
    void shouldShowProgressBetweenEvents() {
        Iterator<WatchEventsResponse> stream = events.watchEvents(WatchEventsRequest.newBuilder()
                .setId(Snapshots.ID)
                .setProgressIntervalMs(50)
                .build());
        assertThat(stream.next().getKind()).isEqualTo(Kind.KIND_WATCHING);
        for (int i = 0; i < 2; i++) {
            WatchEventsResponse progress = stream.next();
            assertThat(progress.getKind()).isEqualTo(Kind.KIND_PROGRESS);
            assertThat(progress.getMigration().getMemoryRemainingBytes()).isEqualTo(400);
            assertThat(progress.getResumeToken()).isEqualTo("e0-0");
        }
        migrations.become(MigrationState.CANCELLED);
        WatchEventsResponse last = null;
        while (stream.hasNext()) {
            last = stream.next();
        }
        assertThat(last.getMigration().getStatus()).isEqualTo("cancelled");
    }
}
