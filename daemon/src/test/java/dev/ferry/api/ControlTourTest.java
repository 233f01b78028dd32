package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.ferry.base.NanoClock;
import dev.ferry.migration.MoveLimits;
import dev.ferry.migration.Policy;
import dev.ferry.net.TlsFiles;
import dev.ferry.v1.CancelRequest;
import dev.ferry.v1.DaemonServiceGrpc;
import dev.ferry.v1.DetachGuestRequest;
import dev.ferry.v1.EventServiceGrpc;
import dev.ferry.v1.GetStatusRequest;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.ListRequest;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.PlacementServiceGrpc;
import dev.ferry.v1.RunGuestRequest;
import dev.ferry.wire.TestCertificates;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who comes to a control address over TCP and may not do what he asks for: refused, counted, and others are served. */
@Timeout(60)
class ControlTourTest {
    private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    private static final String SETTINGS = "\0\0\0\4\0\0\0\0\0";
    private static final List<ServiceDescriptor> SERVICES = List.of(
            MigrationServiceGrpc.getServiceDescriptor(),
            GuestServiceGrpc.getServiceDescriptor(),
            PlacementServiceGrpc.getServiceDescriptor(),
            EventServiceGrpc.getServiceDescriptor(),
            DaemonServiceGrpc.getServiceDescriptor(),
            ServerReflectionGrpc.getServiceDescriptor());

    @TempDir
    private static Path directory;

    @TempDir
    Path dir;

    private static TestCertificates ours;
    private static TestCertificates theirs;

    private final FakeMigrations migrations = new FakeMigrations();
    private final List<ManagedChannel> channels = new ArrayList<>();
    private ControlServer server;
    private int port;

    @BeforeAll
    static void sign() throws Exception {
        ours = new TestCertificates(directory.resolve("ours"));
        ours.sign("there", "dns:there.example,ip:127.0.0.1", "-validity 30");
        String client = "-validity 30 -ext eku=clientAuth";
        ours.sign("scheduler", "dns:scheduler.example", client);
        ours.sign("grafana", "dns:grafana.example", client);
        ours.sign("both", "dns:scheduler.example,dns:grafana.example", client);
        ours.sign("nobody", "dns:nobody", client);
        ours.sign("host", "dns:other-host.example", "-validity 30 -ext eku=serverAuth,clientAuth");
        ours.sign("only-server", "dns:scheduler.example", "-validity 30 -ext eku=serverAuth");
        ours.sign("late", "dns:scheduler.example", "-startdate -10d -validity 3");
        ours.sign("nameless", "email:root@example.org", client);
        theirs = new TestCertificates(directory.resolve("theirs"));
        theirs.sign("scheduler", "dns:scheduler.example", client);
    }

    private AuditLog audit;

    @BeforeEach
    void start() throws IOException {
        audit = new AuditLog(dir.resolve("audit.log"));
        server = new ControlServer(
                List.of("127.0.0.1:0"),
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
                        new MoveLimits.Taken(0, 0),
                        4_000_000),
                Optional.of(new TlsFiles(ours.authority(), ours.certificate("there"), ours.key("there"))),
                // A certificate named as a user of this host is, and the other way round.
                new ControlRoles(
                        List.of("nobody", "scheduler.example"),
                        List.of("Scheduler.Example", "root"),
                        List.of("grafana.example")),
                audit,
                Policy.defaults(),
                NanoClock.system());
        port = ListenAddress.hostPort(server.addresses().get(0)).getPort();
    }

    @AfterEach
    void stop() {
        migrations.cancelMayEnd.countDown();
        channels.forEach(ManagedChannel::shutdownNow);
        server.close();
        audit.close(); // calls that end late write nothing any more
    }

    private static SslContextBuilder trust() {
        return GrpcSslContexts.forClient().trustManager(ours.authority().toFile());
    }

    private NettyChannelBuilder builder() {
        return NettyChannelBuilder.forAddress("127.0.0.1", port);
    }

    private ManagedChannel open(NettyChannelBuilder builder) {
        ManagedChannel channel = builder.build();
        channels.add(channel);
        return channel;
    }

    private ManagedChannel channel(TestCertificates of, String who) throws IOException {
        return open(builder()
                .sslContext(trust().keyManager(
                                of.certificate(who).toFile(), of.key(who).toFile())
                        .build()));
    }

    private ManagedChannel channel(String who) throws IOException {
        return channel(ours, who);
    }

    /** From another address of this machine. */
    private ManagedChannel channelFrom(String address, String who) throws IOException {
        return open(builder()
                .localSocketPicker(new NettyChannelBuilder.LocalSocketPicker() {
                    @Override
                    public java.net.SocketAddress createSocketAddress(
                            java.net.SocketAddress remote, io.grpc.Attributes attributes) {
                        return new InetSocketAddress(address, 0);
                    }
                })
                .sslContext(trust().keyManager(
                                ours.certificate(who).toFile(), ours.key(who).toFile())
                        .build()));
    }

    private static MigrationServiceGrpc.MigrationServiceBlockingStub calls(ManagedChannel channel) {
        return MigrationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
    }

    private static void assertServed(ManagedChannel channel) {
        assertThat(calls(channel).list(ListRequest.getDefaultInstance())).isNotNull();
    }

    private void expectRefused(Runnable call, Status.Code code, String... words) {
        long before = server.refused();
        assertThatThrownBy(call::run).isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
            assertThat(e.getStatus().getCode()).as(e.toString()).isEqualTo(code);
            for (String word : words) {
                assertThat(e).hasMessageContaining(word);
            }
        });
        Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> server.refused() > before);
    }

    private void expectUnavailable(ManagedChannel channel) throws IOException {
        expectRefused(() -> calls(channel).list(ListRequest.getDefaultInstance()), Status.Code.UNAVAILABLE);
        assertServed(channel("scheduler"));
    }

    @Test
    void shouldRefuseACertificateOfAnotherCa() throws Exception {
        expectUnavailable(channel(theirs, "scheduler"));
    }

    @Test
    void shouldRefuseWhoHasNoCertificate() throws Exception {
        expectUnavailable(open(builder().sslContext(trust().build())));
    }

    @ParameterizedTest
    @ValueSource(strings = {"late", "only-server"})
    void shouldRefuseACertificateThatHasExpiredOrIsNoClients(String who) throws Exception {
        expectUnavailable(channel(who));
    }

    @Test
    void shouldRefuseWhoSpeaksWithoutTls() throws Exception {
        expectUnavailable(open(builder().usePlaintext()));
    }

    @Test
    void shouldRefuseAnOlderTls() throws Exception {
        expectUnavailable(open(builder()
                .sslContext(trust().protocols("TLSv1.2")
                        .keyManager(
                                ours.certificate("scheduler").toFile(),
                                ours.key("scheduler").toFile())
                        .build())));
    }

    private static Stream<MethodDescriptor<?, ?>> methods() {
        return SERVICES.stream().flatMap(s -> s.getMethods().stream());
    }

    private static Stream<MethodDescriptor<?, ?>> changes() {
        return methods().filter(m -> !ControlAccess.READS.contains(m.getFullMethodName()));
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            return new byte[0];
        }
    }

    private static void call(ManagedChannel channel, MethodDescriptor<?, ?> method) {
        MethodDescriptor<byte[], byte[]> raw = MethodDescriptor.<byte[], byte[]>newBuilder()
                .setType(MethodType.SERVER_STREAMING)
                .setFullMethodName(method.getFullMethodName())
                .setRequestMarshaller(new Bytes())
                .setResponseMarshaller(new Bytes())
                .build();
        ClientCalls.blockingServerStreamingCall(
                        channel, raw, CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS), new byte[0])
                .next();
    }

    /** A host of the same CA too: who has taken over one may not operate the others. */
    @ParameterizedTest
    @ValueSource(strings = {"nobody", "host"})
    void shouldLetNobodyDoAnythingWithoutARole(String who) throws Exception {
        ManagedChannel channel = channel(who);
        methods()
                .forEach(method -> expectRefused(
                        () -> call(channel, method),
                        Status.Code.PERMISSION_DENIED,
                        who.equals("host") ? "client other-host.example at 127.0.0.1:" : "client nobody at 127.0.0.1:",
                        "control.clients.operators",
                        "nothing was done"));
        assertThat(HealthGrpc.newBlockingStub(channel)
                        .check(HealthCheckRequest.getDefaultInstance())
                        .getStatus())
                .isEqualTo(ServingStatus.SERVING);
        assertThat(migrations.lastPolicy).isNull();
    }

    @Test
    void shouldSayWhatACertificateWithoutANameLacks() throws Exception {
        ManagedChannel channel = channel("nameless");
        expectRefused(
                () -> assertServed(channel), Status.Code.PERMISSION_DENIED, "no subject alternative name (DNS or IP)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"grafana", "both"})
    void shouldLetAViewerLookAndNothingElse(String who) throws Exception {
        ManagedChannel channel = channel(who);
        assertServed(channel);
        changes()
                .forEach(method -> expectRefused(
                        () -> call(channel, method),
                        Status.Code.PERMISSION_DENIED,
                        "grafana.example",
                        "control.clients.viewers",
                        "may only look"));
        assertThat(audit()).hasSize((int) changes().count()).allSatisfy(line -> {
            assertThat(line.get("certificate").asText()).endsWith("grafana.example");
            assertThat(line.get("address").asText()).startsWith("127.0.0.1:");
            assertThat(line.has("uid")).isFalse();
            assertThat(line.get("status").asText()).isEqualTo("PERMISSION_DENIED");
        });
    }

    @Test
    void shouldWriteDownWhatAnOperatorDid() throws Exception {
        ManagedChannel channel = channel("scheduler");
        assertThatThrownBy(() -> GuestServiceGrpc.newBlockingStub(channel)
                        .detach(DetachGuestRequest.newBuilder().setName("../x").build()))
                .isInstanceOf(StatusRuntimeException.class);
        calls(channel).cancel(CancelRequest.newBuilder().setId(Snapshots.ID).build());
        List<JsonNode> lines = audit();
        assertThat(lines)
                .hasSize(2)
                .allSatisfy(line -> assertThat(line.get("certificate").asText()).isEqualTo("scheduler.example"));
        assertThat(lines.get(1).get("method").asText()).isEqualTo("ferry.v1.MigrationService/Cancel");
        assertThat(lines.get(1).get("status").asText()).isEqualTo("OK");
        assertThat(server.refused()).isZero();
    }

    private List<JsonNode> audit() throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        if (Files.exists(dir.resolve("audit.log"))) {
            for (String line : Files.readAllLines(dir.resolve("audit.log"))) {
                lines.add(new ObjectMapper().readTree(line));
            }
        }
        return lines;
    }

    /** Who may do nothing may not fill the disk either. */
    @Test
    void shouldNotWriteDownEveryRefusalOfAFlood() throws Exception {
        ManagedChannel channel = channel("nobody");
        MethodDescriptor<?, ?> start = MigrationServiceGrpc.getStartMethod();
        for (int i = 0; i < 300; i++) {
            assertThatThrownBy(() -> call(channel, start)).hasMessageContaining("PERMISSION_DENIED");
        }
        assertThat(audit()).hasSize(100);
        Awaitility.await().until(() -> server.refused() == 300);
    }

    @Test
    void shouldSayWhoMayDoWhatAndWhoWasRefused() throws Exception {
        expectRefused(() -> assertServed(channels("nobody")), Status.Code.PERMISSION_DENIED);
        var security = DaemonServiceGrpc.newBlockingStub(channel("grafana"))
                .getStatus(GetStatusRequest.getDefaultInstance())
                .getControlSecurity();
        assertThat(security.getClientOperatorsList()).containsExactly("Scheduler.Example", "root");
        assertThat(security.getClientViewersList()).containsExactly("grafana.example");
        assertThat(security.getViewersList()).containsExactly("nobody", "scheduler.example");
        assertThat(security.getRefused()).isEqualTo(1);
    }

    private ManagedChannel channels(String who) {
        try {
            return channel(who);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void shouldRefuseAMessageThatIsTooLong() throws Exception {
        ManagedChannel channel = channel("scheduler");
        expectRefused(
                () -> GuestServiceGrpc.newBlockingStub(channel)
                        .run(RunGuestRequest.newBuilder()
                                .setToml("x".repeat(5 << 20))
                                .build()),
                Status.Code.RESOURCE_EXHAUSTED);
        assertServed(channel);
    }

    @Test
    void shouldRefuseHeadersThatAreTooLong() throws Exception {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("x", Metadata.ASCII_STRING_MARSHALLER), "x".repeat(20_000));
        ManagedChannel channel = channel("scheduler");
        assertThatThrownBy(() -> calls(channel)
                        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                        .list(ListRequest.getDefaultInstance()))
                .isInstanceOf(StatusRuntimeException.class);
        assertServed(channel);
    }

    private Socket half(int from) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port, InetAddress.getByName("127.0.0." + from), 0);
        socket.setSoTimeout(20_000);
        try {
            socket.getOutputStream().write(22);
        } catch (SocketException closedAlready) {
            assertThat(closedAlready).hasMessageMatching("Broken pipe|Connection reset.*");
        }
        return socket;
    }

    private static void awaitHangUp(Socket socket) throws IOException {
        try {
            while (socket.getInputStream().read() >= 0) {
                // an alert
            }
        } catch (SocketException reset) {
            assertThat(reset).hasMessageMatching("Connection reset.*");
        }
    }

    /** More than one address may have: most are sent away at once, the others when their time is up. */
    @Test
    void shouldNotWaitForHandshakesThatNeverEnd() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 100; i++) {
                slow.add(half(1));
            }
            assertServed(channelFrom("127.0.0.2", "scheduler"));
            for (Socket socket : slow) {
                awaitHangUp(socket);
            }
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
        Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> server.refused() == slow.size());
    }

    /** From many addresses: whoever ends its handshake finds room. */
    @Test
    void shouldServeOthersHoweverManyNeverEndTheirHandshake() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 400; i++) {
                slow.add(half(10 + i / 50));
            }
            assertServed(channel("scheduler"));
            Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> server.refused() >= 400 - 256);
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    /** It has a certificate, and is not heard of again. */
    @Test
    void shouldHangUpOnWhoNeverEndsItsFirstWords() throws Exception {
        List<SSLSocket> silent = new ArrayList<>();
        try {
            for (String said : List.of("", "PRI * HTT", PREFACE, PREFACE + SETTINGS.substring(0, 4))) {
                SSLSocket socket = ours.socket("scheduler", port);
                silent.add(socket);
                socket.startHandshake();
                socket.setSoTimeout(20_000);
                socket.getOutputStream().write(said.getBytes(StandardCharsets.ISO_8859_1));
            }
            assertServed(channel("grafana"));
            for (SSLSocket socket : silent) {
                awaitHangUp(socket);
            }
        } finally {
            for (SSLSocket socket : silent) {
                socket.close();
            }
        }
        Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> server.refused() == silent.size());
    }

    /** From wherever it comes. */
    @Test
    void shouldLimitTheConnectionsOfOneName() throws Exception {
        SSLContext grafana = ours.context("grafana");
        List<SSLSocket> all = new ArrayList<>();
        try {
            for (int i = 0; i < 100; i++) {
                SSLSocket socket = TestCertificates.socket(grafana, port, "127.0.0." + (20 + i / 40));
                all.add(socket);
                socket.setSoTimeout(20_000);
                socket.startHandshake();
                socket.getOutputStream().write((PREFACE + SETTINGS).getBytes(StandardCharsets.ISO_8859_1));
            }
            Awaitility.await().atMost(20, TimeUnit.SECONDS).until(() -> server.refused() == 100 - 64);
            assertServed(channel("scheduler"));
        } finally {
            for (SSLSocket socket : all) {
                socket.close();
            }
        }
    }

    @Test
    void shouldServeOthersThoughOneFillsItsThreads() throws Exception {
        migrations.cancelBlocks = true;
        migrations.cancelMayEnd = new CountDownLatch(1);
        List<Future<?>> blocked = new ArrayList<>();
        for (int c = 0; c < 3; c++) {
            ManagedChannel hostile = channel("scheduler");
            for (int i = 0; i < 100; i++) {
                blocked.add(MigrationServiceGrpc.newFutureStub(hostile)
                        .cancel(CancelRequest.newBuilder().setId(Snapshots.ID).build()));
            }
        }
        Awaitility.await().until(() -> cancelling() == 64);
        assertServed(channel("grafana"));
        assertThat(cancelling()).isEqualTo(64);
        assertThat(blocked).noneMatch(Future::isDone);
    }

    private static long cancelling() {
        return Thread.getAllStackTraces().values().stream()
                .filter(stack -> Stream.of(stack)
                        .anyMatch(frame -> frame.getClassName().equals(FakeMigrations.class.getName())
                                && frame.getMethodName().equals("cancel")))
                .count();
    }
}
