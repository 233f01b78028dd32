package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.NanoClock;
import dev.ferry.v1.AbortRequest;
import dev.ferry.v1.BlockLayout;
import dev.ferry.v1.CommitRequest;
import dev.ferry.v1.FinishRequest;
import dev.ferry.v1.HelloRequest;
import dev.ferry.v1.PageBatch;
import dev.ferry.v1.PageServiceGrpc;
import dev.ferry.v1.PagesLostRequest;
import dev.ferry.v1.PeerServiceGrpc;
import dev.ferry.v1.PrepareRequest;
import dev.ferry.v1.ReconcileRequest;
import dev.ferry.v1.SwitchoverRequest;
import dev.ferry.wire.PeerServer;
import dev.ferry.wire.TestCertificates;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Who comes to the peer address and is not the source of the guest that is on its way: refused, counted, and nothing changes. */
@Timeout(60)
class AttackersTourTest {
    private static final long ID = 77;
    private static final int PAGE = 4096;

    @TempDir
    private static Path directory;

    private static TestCertificates ours;
    private static TestCertificates theirs;

    private final List<ManagedChannel> channels = new ArrayList<>();
    private FakeGuest.Arriving guest;
    private Destinations destinations;
    private PeerServer server;

    @BeforeAll
    static void sign() throws Exception {
        ours = new TestCertificates(directory.resolve("ours"));
        ours.sign("there", "dns:there.example,ip:127.0.0.1", "-validity 30");
        ours.sign("source", "dns:rack.example,dns:source.example", "-validity 30");
        ours.sign("other", "dns:rack.example,dns:other.example", "-validity 30");
        ours.sign("renewed", "dns:source.example,dns:new.example,dns:rack.example", "-validity 30");
        ours.sign("stranger", "dns:stranger.example", "-validity 30");
        ours.sign("late", "dns:source.example", "-startdate -10d -validity 3");
        theirs = new TestCertificates(directory.resolve("theirs"));
        theirs.sign("source", "dns:source.example", "-validity 30");
    }

    /** Only an arrival is prepared here. */
    private GuestHost host() {
        return (GuestHost) Proxy.newProxyInstance(
                GuestHost.class.getClassLoader(), new Class<?>[] {GuestHost.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("prepareIncoming")) {
                        guest = new FakeGuest.Arriving(((IncomingSpec) arguments[0]).blocks());
                        return guest;
                    }
                    if (method.isDefault()) {
                        return InvocationHandler.invokeDefault(proxy, method, arguments);
                    }
                    throw new AssertionError(method.getName());
                });
    }

    @BeforeEach
    void prepare() throws Exception {
        destinations = new Destinations(host(), new MemoryJournal(), NanoClock.system(), System::currentTimeMillis);
        server = new PeerServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                destinations,
                "test",
                "there",
                Optional.of(ours.tls("there", "rack.example")));
        calls(ours, "source")
                .prepare(PrepareRequest.newBuilder()
                        .setMigration(ID)
                        .setEpoch(1)
                        .setGuest("db1")
                        .setDefinitionJson("{}")
                        .addBlocks(BlockLayout.newBuilder()
                                .setName("ram")
                                .setLengthBytes(64 * PAGE)
                                .setPageSizeBytes(PAGE)
                                .setGuestRam(true))
                        .build());
    }

    @AfterEach
    void stop() {
        channels.forEach(ManagedChannel::shutdownNow);
        server.close();
    }

    private ManagedChannel channel(TestCertificates of, String who) throws IOException {
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                .sslContext(GrpcSslContexts.forClient()
                        .trustManager(ours.authority().toFile())
                        .keyManager(of.certificate(who).toFile(), of.key(who).toFile())
                        .build())
                .build();
        channels.add(channel);
        return channel;
    }

    private PeerServiceGrpc.PeerServiceBlockingStub calls(TestCertificates of, String who) throws IOException {
        return PeerServiceGrpc.newBlockingStub(channel(of, who)).withDeadlineAfter(20, TimeUnit.SECONDS);
    }

    private void expectRefused(Runnable call, Status.Code code) {
        long before = server.refused();
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode())
                                .as(e.toString())
                                .isEqualTo(code));
        Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> server.refused() > before);
    }

    /** The guest is still on its way, and its own source goes on with it. */
    private void expectNothingHasChanged() throws IOException {
        assertThat(destinations.moving("db1")).isPresent();
        assertThat(calls(ours, "source")
                        .reconcile(ReconcileRequest.newBuilder()
                                .setMigration(ID)
                                .setEpoch(1)
                                .build())
                        .getComplete())
                .isFalse();
    }

    @Test
    void shouldKnowTheSourceByARenewedCertificate() throws Exception {
        assertThat(calls(ours, "renewed")
                        .reconcile(ReconcileRequest.newBuilder()
                                .setMigration(ID)
                                .setEpoch(1)
                                .build())
                        .getComplete())
                .isFalse();
    }

    private static Arguments call(String name, Consumer<PeerServiceGrpc.PeerServiceBlockingStub> call) {
        return Arguments.of(name, call);
    }

    static Stream<Arguments> everyStepOfAMove() {
        return Stream.of(
                call(
                        "prepare",
                        s -> s.prepare(PrepareRequest.newBuilder()
                                .setMigration(ID)
                                .setEpoch(2)
                                .setGuest("db1")
                                .build())),
                call(
                        "switchover",
                        s -> s.switchover(SwitchoverRequest.newBuilder()
                                .setMigration(ID)
                                .setEpoch(1)
                                .build())),
                call(
                        "commit",
                        s -> s.commit(CommitRequest.newBuilder()
                                .setMigration(ID)
                                .setEpoch(1)
                                .build())),
                call(
                        "abort",
                        s -> s.abort(AbortRequest.newBuilder()
                                .setMigration(ID)
                                .setEpoch(1)
                                .build())),
                call(
                        "reconcile",
                        s -> s.reconcile(ReconcileRequest.newBuilder()
                                .setMigration(ID)
                                .setEpoch(1)
                                .build())),
                call(
                        "finish",
                        s -> s.finish(FinishRequest.newBuilder()
                                .setMigration(ID)
                                .setEpoch(1)
                                .build())),
                call(
                        "pages lost",
                        s -> s.pagesLost(PagesLostRequest.newBuilder()
                                .setMigration(ID)
                                .setEpoch(1)
                                .build())));
    }

    /** It has a migration's number and epoch, which are right, and is a host that may move guests here: another's are not its own. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("everyStepOfAMove")
    void shouldRefuseWhatWasTakenFromAnother(String name, Consumer<PeerServiceGrpc.PeerServiceBlockingStub> call)
            throws Exception {
        PeerServiceGrpc.PeerServiceBlockingStub other = calls(ours, "other");
        expectRefused(() -> call.accept(other), Status.Code.PERMISSION_DENIED);
        expectNothingHasChanged();
    }

    @Test
    void shouldRefusePagesOfAnother() throws Exception {
        ManagedChannel other = channel(ours, "other");
        CompletableFuture<Throwable> bulk = new CompletableFuture<>();
        StreamObserver<PageBatch> up = PageServiceGrpc.newStub(other).bulk(ends(bulk));
        expectRefused(
                () -> {
                    up.onNext(
                            PageBatch.newBuilder().setMigration(ID).setEpoch(1).build());
                    throw (StatusRuntimeException) bulk.join();
                },
                Status.Code.PERMISSION_DENIED);
        expectNothingHasChanged();
    }

    @Test
    void shouldRefuseToSendFaultsToAnother() throws Exception {
        ManagedChannel other = channel(ours, "other");
        CompletableFuture<Throwable> demand = new CompletableFuture<>();
        StreamObserver<PageBatch> up = PageServiceGrpc.newStub(other).demand(ends(demand));
        expectRefused(
                () -> {
                    up.onNext(
                            PageBatch.newBuilder().setMigration(ID).setEpoch(1).build());
                    throw (StatusRuntimeException) demand.join();
                },
                Status.Code.PERMISSION_DENIED);
        expectNothingHasChanged();
    }

    private static <T> StreamObserver<T> ends(CompletableFuture<Throwable> end) {
        return new StreamObserver<>() {
            @Override
            public void onNext(T message) {
                // Only the end counts.
            }

            @Override
            public void onError(Throwable e) {
                end.complete(e);
            }

            @Override
            public void onCompleted() {
                end.complete(Status.OK.asRuntimeException());
            }
        };
    }

    private void expectHelloRefused(TestCertificates of, String who, Status.Code code) throws Exception {
        PeerServiceGrpc.PeerServiceBlockingStub calls = calls(of, who);
        expectRefused(() -> calls.hello(HelloRequest.getDefaultInstance()), code);
        expectNothingHasChanged();
    }

    @Test
    void shouldRefuseACertificateOfAnotherCa() throws Exception {
        expectHelloRefused(theirs, "source", Status.Code.UNAVAILABLE);
    }

    @Test
    void shouldRefuseANameThatIsNotAllowed() throws Exception {
        expectHelloRefused(ours, "stranger", Status.Code.PERMISSION_DENIED);
    }

    @Test
    void shouldRefuseACertificateThatHasExpired() throws Exception {
        expectHelloRefused(ours, "late", Status.Code.UNAVAILABLE);
    }

    @Test
    void shouldRefuseWhoSpeaksWithoutTls() throws Exception {
        ManagedChannel plain = NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                .usePlaintext()
                .build();
        channels.add(plain);
        expectRefused(
                () -> PeerServiceGrpc.newBlockingStub(plain)
                        .withDeadlineAfter(20, TimeUnit.SECONDS)
                        .hello(HelloRequest.getDefaultInstance()),
                Status.Code.UNAVAILABLE);
        expectNothingHasChanged();
    }

    @Test
    void shouldRefuseAMessageThatIsTooLong() throws Exception {
        PeerServiceGrpc.PeerServiceBlockingStub source = calls(ours, "source");
        expectRefused(
                () -> source.prepare(PrepareRequest.newBuilder()
                        .setMigration(ID + 1)
                        .setDefinitionJson("x".repeat(80 << 20))
                        .build()),
                Status.Code.RESOURCE_EXHAUSTED);
        expectNothingHasChanged();
    }

    /** Its handshake never ends, or it says nothing after it: a few seconds, and others are served meanwhile. */
    @Test
    void shouldNotWaitForWhoIsSlow() throws Exception {
        long before = server.refused();
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 100; i++) {
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
                slow.add(socket);
                socket.setSoTimeout(20_000);
                socket.getOutputStream().write(22);
            }
            expectNothingHasChanged();
            for (Socket socket : slow) {
                InputStream in = socket.getInputStream();
                while (in.read() >= 0) {
                    // an alert
                }
            }
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
        Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> server.refused() - before >= slow.size());
    }

    @Test
    void shouldHangUpOnWhoSaysNothingAfterTheHandshake() throws Exception {
        long before = server.refused();
        try (SSLSocket silent = ours.socket("source", server.port())) {
            silent.startHandshake();
            silent.setSoTimeout(20_000);
            InputStream in = silent.getInputStream();
            long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (in.read() >= 0) {
                assertThat(System.nanoTime()).as("hung up").isLessThan(endNs);
            }
        }
        Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> server.refused() > before);
        expectNothingHasChanged();
    }
}
