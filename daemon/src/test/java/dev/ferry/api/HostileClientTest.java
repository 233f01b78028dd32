package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.NanoClock;
import dev.ferry.migration.MoveLimits;
import dev.ferry.migration.Policy;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.ListGuestsRequest;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.RunGuestRequest;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who speaks nonsense to the control socket is sent away; everybody else is served as before, and nothing stays open. */
@Timeout(60)
class HostileClientTest {
    private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    /** Length 0, type SETTINGS. */
    private static final String SETTINGS = "\0\0\0\4\0\0\0\0\0";

    /** Length 16, type HEADERS, END_HEADERS, stream 1; what follows is no header block. */
    private static final String BAD_HEADERS = "\0\0\20\1\4\0\0\0\1" + "\u00ff".repeat(16);

    /** Length 16 MiB - 1, type DATA, stream 1. */
    private static final String HUGE_FRAME = "\u00ff\u00ff\u00ff\0\0\0\0\0\1" + "x".repeat(100_000);

    @TempDir
    Path dir;

    private final MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final Logged logged = new Logged();
    private Path socket;
    private ControlServer server;
    private ManagedChannel channel;

    private AuditLog audit;

    @BeforeEach
    void start() throws IOException {
        audit = new AuditLog(dir.resolve("audit.log"));
        socket = dir.resolve("control.sock");
        server = new ControlServer(
                List.of("unix:" + socket),
                new FakeMigrations(),
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
                Policy.defaults(),
                NanoClock.system());
        channel = NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(loop)
                .usePlaintext()
                .build();
        assertHealthy();
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.close();
        audit.close(); // calls that end late write nothing any more
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        logged.close();
    }

    private void assertHealthy() {
        assertThat(GuestServiceGrpc.newBlockingStub(channel)
                        .withDeadlineAfter(20, TimeUnit.SECONDS)
                        .list(ListGuestsRequest.getDefaultInstance())
                        .getGuestsCount())
                .isEqualTo(1);
    }

    private static long sockets() {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(HostileClientTest::isSocket).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isSocket(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith("socket:");
        } catch (IOException closedMeanwhile) {
            return false;
        }
    }

    static Stream<String> otherTongues() {
        return Stream.of(
                "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                "\u0016\u0003\u0001\2\0\1\0\1\u00fc\u0003\u0003",
                "{\"execute\": \"qmp_capabilities\"}\n",
                PREFACE,
                PREFACE + "nothing that HTTP/2 knows, and a lot of it, so that it is more than a frame's header",
                PREFACE + SETTINGS + BAD_HEADERS,
                PREFACE + SETTINGS + HUGE_FRAME);
    }

    @ParameterizedTest
    @MethodSource("otherTongues")
    void shouldSendAwayWhoSpeaksSomethingElse(String said) throws IOException {
        long before = sockets();
        for (int i = 0; i < 20; i++) {
            say(said.getBytes(StandardCharsets.ISO_8859_1));
        }
        assertHealthy();
        Awaitility.await().until(() -> sockets() <= before);
        assertThat(logged.lines()).isEmpty();
    }

    @Test
    void shouldSendAwayNoise() throws IOException {
        Random random = new Random(7);
        long before = sockets();
        for (int i = 0; i < 50; i++) {
            byte[] noise = new byte[random.nextInt(20_000)];
            random.nextBytes(noise);
            say(noise);
        }
        assertHealthy();
        Awaitility.await().until(() -> sockets() <= before);
        assertThat(logged.lines()).isEmpty();
    }

    /** Leaves without waiting for more than what is answered at once. */
    private void say(byte[] bytes) throws IOException {
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            ByteBuffer rest = ByteBuffer.wrap(bytes);
            while (rest.hasRemaining()) {
                client.write(rest);
            }
            client.configureBlocking(false);
            client.read(ByteBuffer.allocate(1 << 16));
        } catch (IOException closedByFerryd) {
            assertThat(closedByFerryd).hasMessageMatching("Broken pipe|Connection reset.*");
        }
    }

    @Test
    void shouldRefuseAMessageThatIsTooLarge() {
        GuestServiceGrpc.GuestServiceBlockingStub guests = GuestServiceGrpc.newBlockingStub(channel);
        assertThatThrownBy(() -> guests.run(RunGuestRequest.newBuilder()
                        .setToml("x".repeat(5 << 20))
                        .build()))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
        assertHealthy();
    }

    @Test
    void shouldRefuseAMessageThatIsNoMessage() {
        byte[] noise = new byte[1000];
        new Random(3).nextBytes(noise);
        MethodDescriptor<byte[], byte[]> start = MethodDescriptor.<byte[], byte[]>newBuilder()
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName(MigrationServiceGrpc.getStartMethod().getFullMethodName())
                .setRequestMarshaller(new Bytes())
                .setResponseMarshaller(new Bytes())
                .build();
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> ClientCalls.blockingUnaryCall(channel, start, CallOptions.DEFAULT, noise))
                    .isInstanceOf(StatusRuntimeException.class);
        }
        assertHealthy();
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
