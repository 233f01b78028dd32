package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.rpc.ErrorInfo;
import dev.ferry.base.NanoClock;
import dev.ferry.migration.Limits;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.MoveLimits;
import dev.ferry.migration.Policy;
import dev.ferry.v1.AttachGuestRequest;
import dev.ferry.v1.CancelRequest;
import dev.ferry.v1.CheckRequest;
import dev.ferry.v1.CheckResponse;
import dev.ferry.v1.DaemonServiceGrpc;
import dev.ferry.v1.GetRequest;
import dev.ferry.v1.GetStatusRequest;
import dev.ferry.v1.GetStatusResponse;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.ListGuestsRequest;
import dev.ferry.v1.ListRequest;
import dev.ferry.v1.ListResponse;
import dev.ferry.v1.LostPagePolicy;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.PeerSecurity;
import dev.ferry.v1.Reason;
import dev.ferry.v1.ResumeRequest;
import dev.ferry.v1.RollbackRequest;
import dev.ferry.v1.RunGuestRequest;
import dev.ferry.v1.SetLimitsRequest;
import dev.ferry.v1.StartRequest;
import dev.ferry.v1.SwitchToPostcopyRequest;
import dev.ferry.v1.WatchRequest;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.StreamObserver;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole service over a real unix socket, with fakes behind it. */
@Timeout(30)
class ControlServerTest {
    private static final Policy DEFAULTS = new Policy(5, 60_000_000_000L, 111, 222, false);

    @TempDir
    Path dir;

    private final FakeMigrations migrations = new FakeMigrations();
    private final MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private Path socket;
    private ControlServer server;
    private ManagedChannel channel;
    private MigrationServiceGrpc.MigrationServiceBlockingStub calls;

    private AuditLog audit;

    @BeforeEach
    void start() throws IOException {
        audit = new AuditLog(dir.resolve("audit.log"));
        socket = dir.resolve("run/control.sock");
        server = server("unix:" + socket);
        channel = NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(loop)
                .usePlaintext()
                .build();
        calls = MigrationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.close();
        audit.close(); // calls that end late write nothing any more
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    private ControlServer server(String... listen) throws IOException {
        return server(true, listen);
    }

    private ControlServer server(boolean needsAll, String... listen) throws IOException {
        return new ControlServer(
                List.of(listen),
                migrations,
                new FakeGuests(),
                new FakePlacement(),
                new HostIdentity("here", "127.0.0.1:7420", "1.2"),
                () -> new DaemonStatus(
                        "1.2",
                        "here",
                        "127.0.0.1:7",
                        Optional.empty(),
                        3,
                        new MoveLimits(3, 8),
                        new MoveLimits.Taken(1, 2),
                        4_000_000),
                Optional.empty(),
                new ControlRoles(List.of("nobody"), List.of(), List.of()),
                audit,
                DEFAULTS,
                NanoClock.system(),
                ReportSource.NONE,
                needsAll);
    }

    /** Guests may wait for pages: that somebody else has the port is no reason to let them. */
    @Test
    void shouldGoOnWithoutAnAddressOfTcpWhereItIsNotNeeded() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String tcp = "127.0.0.1:" + taken.getLocalPort();
            String unix = "unix:" + dir.resolve("other.sock");
            assertThatThrownBy(() -> server(true, tcp, unix)).isInstanceOf(IOException.class);
            try (ControlServer other = server(false, tcp, unix)) {
                assertThat(other.addresses()).containsExactly(unix);
            }
        }
    }

    @Test
    void shouldSayWhatItIs() {
        GetStatusResponse status =
                DaemonServiceGrpc.newBlockingStub(channel).getStatus(GetStatusRequest.getDefaultInstance());
        assertThat(status.getFerryVersion()).isEqualTo("1.2");
        assertThat(status.getControlAddressesList()).isEqualTo(server.addresses());
        assertThat(status.getPeerSecurity())
                .isEqualTo(PeerSecurity.newBuilder()
                        .setMode(PeerSecurity.Mode.MODE_OFF)
                        .setRefused(3)
                        .build());
    }

    @Test
    void shouldAnswerHealthAndGuests() {
        HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel);
        assertThat(health.check(HealthCheckRequest.newBuilder()
                                .setService("ferry.v1.MigrationService")
                                .build())
                        .getStatus())
                .isEqualTo(ServingStatus.SERVING);
        assertThat(GuestServiceGrpc.newBlockingStub(channel)
                        .list(ListGuestsRequest.getDefaultInstance())
                        .getGuests(0)
                        .getMemoryBytes())
                .isEqualTo(1 << 20);
    }

    @Test
    void shouldSayByReflectionWhatItServes() throws InterruptedException {
        BlockingQueue<ServerReflectionResponse> answers = new LinkedBlockingQueue<>();
        var request = ServerReflectionGrpc.newStub(channel).serverReflectionInfo(new StreamObserver<>() {
            @Override
            public void onNext(ServerReflectionResponse answer) {
                answers.add(answer);
            }

            @Override
            public void onError(Throwable error) {}

            @Override
            public void onCompleted() {}
        });
        request.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
        assertThat(answers.poll(10, TimeUnit.SECONDS).getListServicesResponse().getServiceList())
                .extracting(ServiceResponse::getName)
                .contains("ferry.v1.MigrationService", "ferry.v1.GuestService", "grpc.health.v1.Health");
        request.onCompleted();
    }

    @Test
    void shouldUseTheDaemonsDefaultsForWhatIsUnset() {
        StartRequest.Builder request = StartRequest.newBuilder().setGuest("g1").setTo("host:1");
        calls.start(request.build());
        assertThat(migrations.lastPolicy).isEqualTo(DEFAULTS);

        request.getPolicyBuilder().setPrecopyRounds(0).setPrecopySeconds(1.5).setKeepSource(true);
        calls.start(request.build());
        assertThat(migrations.lastPolicy).isEqualTo(new Policy(0, 1_500_000_000L, 111, 222, true));

        request.getPolicyBuilder().setLostPagePolicy(LostPagePolicy.POISON).setLostPageLimitSeconds(0);
        calls.start(request.build());
        assertThat(migrations.lastPolicy.lostPages().action().name()).isEqualTo("POISON");
        assertThat(migrations.lastPolicy.lostPages().limitNs()).isZero();
        request.getPolicyBuilder().setLostPageLimitSeconds(-1);
        assertThatThrownBy(() -> calls.start(request.build())).hasMessageContaining("policy.lost_page_limit_seconds");
        request.getPolicyBuilder().setLostPageLimitSeconds(1).setLostPagePolicyValue(77);
        assertThatThrownBy(() -> calls.start(request.build())).hasMessageContaining("policy.lost_page_policy");
    }

    @Test
    void shouldPassOrdersOnAndShowWhatBecameOfLostPages() {
        Migration shown = calls.rollback(RollbackRequest.newBuilder()
                .setId(Snapshots.ID)
                .setDestinationIsFenced(true)
                .build());
        assertThat(migrations.lastOrder).isEqualTo("false true");
        assertThat(shown.getState().name()).isEqualTo("FAILED");
        assertThat(shown.getLostPagePolicy()).isEqualTo(LostPagePolicy.STOP);
        assertThat(shown.getLostPageLimitSeconds()).isEqualTo(30);
        assertThat(shown.getGuestStopped()).isTrue();
        assertThat(shown.getPoisonedPages()).isEqualTo(31);
        assertThat(shown.getDamagedMessages()).isEqualTo(32);
        calls.resume(ResumeRequest.newBuilder().setId(Snapshots.ID).build());
        assertThat(migrations.lastOrder).isEqualTo("resume");
        assertThatThrownBy(
                        () -> calls.resume(ResumeRequest.newBuilder().setId("x").build()))
                .hasMessageContaining("INVALID_ARGUMENT");
    }

    @Test
    void shouldTellALimitOfNothingFromNoLimit() {
        SetLimitsRequest.Builder request = SetLimitsRequest.newBuilder().setId(Snapshots.ID);
        assertThat(calls.setLimits(request.build()).getBandwidthBytesPerSecond())
                .isEqualTo(26);
        assertThat(migrations.lastLimits).isEqualTo(new Limits.Change(OptionalLong.empty(), OptionalLong.empty()));

        calls.setLimits(request.setBandwidthBytesPerSecond(0)
                .setPostcopyBandwidthBytesPerSecond(65_536)
                .build());
        assertThat(migrations.lastLimits).isEqualTo(new Limits.Change(OptionalLong.of(0), OptionalLong.of(65_536)));
    }

    @Test
    void shouldRefuseLimitsThatMakeNoSense() {
        assertStatus(
                Status.Code.INVALID_ARGUMENT,
                () -> calls.setLimits(SetLimitsRequest.newBuilder()
                        .setId(Snapshots.ID)
                        .setPostcopyBandwidthBytesPerSecond(-1)
                        .build()));
        assertStatus(
                Status.Code.INVALID_ARGUMENT,
                () -> calls.setLimits(SetLimitsRequest.newBuilder().setId("x").build()));
        assertStatus(
                Status.Code.NOT_FOUND,
                () -> calls.setLimits(
                        SetLimitsRequest.newBuilder().setId("00000000000000ff").build()));
    }

    @Test
    void shouldListReasonsAgainstAMove() {
        CheckResponse answer = calls.check(
                CheckRequest.newBuilder().setGuest("vfio").setTo("[::1]:7420").build());
        assertThat(answer.getReasonsList()).hasSize(2);
        assertThat(answer.getDestinationVersion()).isEqualTo("1.2-there");
        assertThat(answer.getReasonsList()).noneMatch(Reason::getTemporary);
        assertThat(answer.hasPredictedDowntimeMs()).isFalse();
    }

    @Test
    void shouldSayWhatAMoveWouldTakeAndWhatPassesByItself() {
        CheckRequest request =
                CheckRequest.newBuilder().setGuest("later").setTo("[::1]:7420").build();
        CheckResponse answer = calls.check(request);
        assertThat(answer.getReasonsList()).hasSize(1).allMatch(Reason::getTemporary);
        assertThat(answer.getMemoryPopulatedBytes()).isEqualTo(3 << 20);
        assertThat(answer.getDestinationMemoryAvailableBytes()).isEqualTo(5 << 20);
        assertThat(answer.getPredictedDowntimeMs()).isEqualTo(11);
        assertThat(answer.getPredictedPostcopyMs()).isEqualTo(12);
        assertThatThrownBy(() -> calls.start(StartRequest.newBuilder()
                        .setGuest("later")
                        .setTo("[::1]:7420")
                        .build()))
                .satisfies(e -> {
                    com.google.rpc.Status status = StatusProto.fromThrowable(e);
                    assertThat(status.getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED.value());
                    assertThat(status.getDetails(0).unpack(ErrorInfo.class).getReason())
                            .isEqualTo("INBOUND_LIMIT");
                });
    }

    @Test
    void shouldPageThroughTheListWhileNewOnesStart() {
        for (int i = 5; i > 0; i--) {
            migrations.listed.add(
                    Snapshots.of("000000000000000" + i, i == 3 ? "g3" : "g1", MigrationState.COMPLETED, 1, i / 2));
        }
        migrations.listed.sort((a, b) -> a.startedUnixMs() == b.startedUnixMs()
                ? a.id().compareTo(b.id())
                : Long.compare(b.startedUnixMs(), a.startedUnixMs()));
        ListResponse first = calls.list(ListRequest.newBuilder().setPageSize(3).build());
        migrations.listed.add(0, Snapshots.of("00000000000000ff", "g1", MigrationState.PRECOPY, 1, 9));
        ListResponse rest = calls.list(ListRequest.newBuilder()
                .setPageSize(3)
                .setPageToken(first.getNextPageToken())
                .build());

        List<Migration> all = new ArrayList<>(first.getMigrationsList());
        all.addAll(rest.getMigrationsList());
        assertThat(all).extracting(m -> m.getId().substring(15)).containsExactly("4", "5", "2", "3", "1");
        assertThat(rest.getNextPageToken()).isEmpty();
        assertThat(calls.list(ListRequest.newBuilder().setGuest("g3").build()).getMigrationsList())
                .hasSize(1);
        assertThatThrownBy(() -> calls.list(
                        ListRequest.newBuilder().setPageToken("nonsense").build()))
                .hasMessageContaining("INVALID_ARGUMENT")
                .hasMessageContaining("page_token");
    }

    @Test
    void shouldWatchUntilTheEnd() {
        Iterator<Migration> watch = watch(50);
        assertThat(watch.next().getState().name()).isEqualTo("PREPARING");
        assertThat(watch.next().getState().name()).isEqualTo("PREPARING");
        migrations.become(MigrationState.COMPLETED);
        await(watch, "COMPLETED");
        assertThat(watch.hasNext()).isFalse();
    }

    private static void await(Iterator<Migration> watch, String state) {
        String last = "";
        while (!last.equals(state)) {
            last = watch.next().getState().name();
        }
    }

    @Test
    void shouldNotLetAChangeOfStateWaitForTheInterval() {
        Iterator<Migration> watch = watch(1_000_000);
        watch.next();
        for (MigrationState next : List.of(MigrationState.PRECOPY, MigrationState.SWITCHOVER, MigrationState.FAILED)) {
            migrations.become(next);
            assertThat(watch.next().getState().name()).isEqualTo(next.name());
        }
        assertThat(watch.hasNext()).isFalse();
    }

    @Test
    void shouldNotSendTheSameStateMoreOftenThanTheInterval() {
        Iterator<Migration> watch = watch(200);
        watch.next();
        long beforeNs = System.nanoTime();
        migrations.become(MigrationState.PREPARING);
        migrations.become(MigrationState.PREPARING);
        watch.next();
        assertThat(System.nanoTime() - beforeNs).isGreaterThan(100_000_000);
    }

    @Test
    void shouldStopWatchingWhenTheClientLeaves() {
        Context.CancellableContext call = Context.current().withCancellation();
        call.run(() -> watch(60_000).next());
        assertThat(migrations.listeners).hasSize(1);
        call.cancel(null);
        Awaitility.await().until(migrations.listeners::isEmpty);
    }

    @Test
    void shouldServeAnyNumberOfWatchesByOneThread() {
        List<Iterator<Migration>> all =
                IntStream.range(0, 100).mapToObj(i -> watch(60_000)).toList();
        all.forEach(Iterator::next);
        Awaitility.await().until(() -> threads("watch-") == 1);
        migrations.become(MigrationState.CANCELLED);
        all.forEach(w -> assertThat(w.next().getState().name()).isEqualTo("CANCELLED"));
    }

    @Test
    void shouldTellWhoWatchesThatTheDaemonEnds() {
        Iterator<Migration> watch = watch(60_000);
        watch.next();
        server.close();
        assertStatus(Status.Code.UNAVAILABLE, watch::next);
    }

    /** Cancel blocks until the migration has ended, and this one never does. */
    @Test
    void shouldEndQuietlyWithOpenCalls() throws InterruptedException {
        migrations.cancelBlocks = true;
        try (Logged logged = new Logged()) {
            watch(60_000).next();
            var cancel = MigrationServiceGrpc.newFutureStub(channel)
                    .cancel(CancelRequest.newBuilder().setId(Snapshots.ID).build());
            Awaitility.await().until(() -> migrations.cancelling);
            server.close();
            assertThatThrownBy(() -> cancel.get(10, TimeUnit.SECONDS)).hasMessageContaining("UNAVAILABLE");
            assertThat(logged.lines()).isEmpty();
        }
    }

    @Test
    void shouldEndQuietlyThoughACallDoesNotEnd() throws InterruptedException {
        migrations.cancelBlocks = true;
        migrations.cancelMayEnd = new CountDownLatch(1);
        try (Logged logged = new Logged()) {
            var cancel = MigrationServiceGrpc.newFutureStub(channel)
                    .cancel(CancelRequest.newBuilder().setId(Snapshots.ID).build());
            Awaitility.await().until(() -> migrations.cancelling);
            server.close();
            migrations.cancelMayEnd.countDown();
            Awaitility.await().until(() -> threads("control-call-") == 0);
            assertThatThrownBy(() -> cancel.get(10, TimeUnit.SECONDS)).hasCauseInstanceOf(StatusRuntimeException.class);
            assertThat(logged.lines()).isEmpty();
        }
    }

    private static long threads(String prefix) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().startsWith(prefix))
                .count();
    }

    private Iterator<Migration> watch(int intervalMs) {
        return calls.watch(WatchRequest.newBuilder()
                .setId(Snapshots.ID)
                .setIntervalMs(intervalMs)
                .build());
    }

    @Test
    void shouldAnswerErrorsWithTheirStatus() {
        assertStatus(
                Status.Code.NOT_FOUND,
                () -> calls.get(
                        GetRequest.newBuilder().setId("00000000000000ff").build()));
        assertStatus(
                Status.Code.NOT_FOUND,
                () -> calls.watch(WatchRequest.newBuilder()
                                .setId("00000000000000ff")
                                .build())
                        .next());
        assertStatus(
                Status.Code.INVALID_ARGUMENT,
                () -> calls.get(GetRequest.newBuilder().setId("../x").build()));
        assertStatus(
                Status.Code.FAILED_PRECONDITION,
                () -> calls.switchToPostcopy(
                        SwitchToPostcopyRequest.newBuilder().setId(Snapshots.ID).build()));
        assertStatus(
                Status.Code.INVALID_ARGUMENT,
                () -> GuestServiceGrpc.newBlockingStub(channel)
                        .attach(AttachGuestRequest.newBuilder()
                                .setName("g1")
                                .setQmpSocket("qmp.sock")
                                .build()));
        assertThat(calls.cancel(CancelRequest.newBuilder().setId(Snapshots.ID).build())
                        .getState()
                        .name())
                .isEqualTo("CANCELLED");
    }

    @Test
    void shouldAnswerTheRightCodeHoweverLongTheErrorIs() {
        assertStatus(
                Status.Code.FAILED_PRECONDITION,
                () -> calls.start(StartRequest.newBuilder()
                        .setGuest("hopeless")
                        .setTo("host:1")
                        .build()));
        for (String line : List.of("plain ", "100 %\n", "é€😀")) {
            assertStatus(
                    Status.Code.INVALID_ARGUMENT,
                    () -> GuestServiceGrpc.newBlockingStub(channel)
                            .run(RunGuestRequest.newBuilder()
                                    .setToml(line.repeat(20_000))
                                    .build()));
        }
    }

    private static void assertStatus(Status.Code code, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(code));
    }

    @Test
    void shouldKeepOthersFromTheSocketAndRemoveItAtTheEnd() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-rw----");
        server.close();
        assertThat(socket).doesNotExist();
    }

    /** A file that others can use for a moment only is open to who waits for it. */
    @Test
    void shouldMakeTheSocketClosedToOthers() throws IOException {
        Path file = dir.resolve("closed.sock");
        EpollServerDomainSocketChannel made = SocketFile.closedToOthers();
        loop.register(made).syncUninterruptibly();
        made.bind(new DomainSocketAddress(file.toString())).syncUninterruptibly();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        made.close().syncUninterruptibly();
    }

    @Test
    void shouldNeverShowASocketThatOthersCanUse() throws Exception {
        Path file = dir.resolve("watched.sock");
        Set<PosixFilePermission> seen = ConcurrentHashMap.newKeySet();
        AtomicBoolean done = new AtomicBoolean();
        Thread looker = new Thread(() -> {
            while (!done.get()) {
                try {
                    seen.addAll(Files.getPosixFilePermissions(file));
                } catch (IOException notThere) {
                    Thread.onSpinWait();
                }
            }
        });
        looker.start();
        for (int i = 0; i < 20; i++) {
            server("unix:" + file).close();
        }
        done.set(true);
        looker.join();
        assertThat(seen)
                .isSubsetOf(PosixFilePermissions.fromString("rw-rw----"))
                .contains(PosixFilePermission.OWNER_READ);
    }

    @Test
    void shouldReplaceAStaleSocketButNotALiveOneOrAFile() throws IOException {
        assertThatThrownBy(() -> server("unix:" + socket)).hasMessageContaining("another process listens");
        assertThat(calls.list(ListRequest.getDefaultInstance())).isNotNull();

        Path stale = dir.resolve("stale.sock");
        try (var left = java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            left.bind(java.net.UnixDomainSocketAddress.of(stale));
        }
        assertThat(stale).exists();
        try (ControlServer second = server("unix:" + stale, "127.0.0.1:0")) {
            assertThat(second.addresses()).hasSize(2);
            assertThat(second.addresses().get(1)).matches("127\\.0\\.0\\.1:[1-9][0-9]*");
        }

        Path file = Files.writeString(dir.resolve("file"), "keep me");
        assertThatThrownBy(() -> server("unix:" + file)).hasMessageContaining("no socket");
        assertThat(file).hasContent("keep me");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0:1", "192.0.2.1:7420", "unix:relative", "unix:", "nonsense", "127.0.0.1:65536"})
    void shouldRefuseOtherAddresses(String address) {
        assertThatThrownBy(() -> server(address))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(address);
    }
}
