package dev.ferry.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.migration.Arrivals;
import dev.ferry.v1.AbortRequest;
import dev.ferry.v1.AbortResponse;
import dev.ferry.v1.BlockLayout;
import dev.ferry.v1.BulkAck;
import dev.ferry.v1.HelloRequest;
import dev.ferry.v1.PageServiceGrpc;
import dev.ferry.v1.PeerServiceGrpc;
import dev.ferry.v1.PrepareRequest;
import dev.ferry.v1.PrepareResponse;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A host that may move guests here, and means harm: it takes what is its own, and the others are served. */
@Timeout(120)
class PeerLimitsTest {
    private static final String FIRST_WORDS = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

    @TempDir
    private static Path directory;

    private static TestCertificates ours;

    private final AtomicInteger aborting = new AtomicInteger();
    private final AtomicInteger preparing = new AtomicInteger();
    private final CountDownLatch mayEnd = new CountDownLatch(1);
    private final List<ManagedChannel> channels = new ArrayList<>();
    private PeerServer server;

    @BeforeAll
    static void sign() throws Exception {
        ours = new TestCertificates(directory.resolve("ours"));
        String host = "-validity 30 -ext eku=serverAuth,clientAuth";
        ours.sign("there", "dns:there.example,ip:127.0.0.1", host);
        ours.sign("hostile", "dns:hostile.example", host);
        ours.sign("other", "dns:other.example", host);
        ours.sign("client", "dns:scheduler.example", "-validity 30 -ext eku=clientAuth");
    }

    /** What the hostile host asks for takes until the test says so; it is known by its migration's number. */
    @BeforeEach
    void serve() throws Exception {
        Arrivals slow = (Arrivals) Proxy.newProxyInstance(
                Arrivals.class.getClassLoader(), new Class<?>[] {Arrivals.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("abort") && (long) arguments[0] == 1) {
                        aborting.incrementAndGet();
                        mayEnd.await();
                    } else if (method.getName().equals("prepare")
                            && ((dev.ferry.migration.IncomingSpec) arguments[0]).migration() == 1) {
                        preparing.incrementAndGet();
                        mayEnd.await();
                    }
                    return null;
                });
        server = new PeerServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                slow,
                "test",
                "there",
                Optional.of(ours.tls("there")));
    }

    @AfterEach
    void close() {
        mayEnd.countDown();
        channels.forEach(ManagedChannel::shutdownNow);
        server.close();
    }

    private static SslContext as(String who) throws IOException {
        return GrpcSslContexts.forClient()
                .trustManager(ours.authority().toFile())
                .keyManager(ours.certificate(who).toFile(), ours.key(who).toFile())
                .build();
    }

    private ManagedChannel channel(String who) throws IOException {
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                .sslContext(as(who))
                .build();
        channels.add(channel);
        return channel;
    }

    private PeerServiceGrpc.PeerServiceBlockingStub other() throws IOException {
        return PeerServiceGrpc.newBlockingStub(channel("other")).withDeadlineAfter(60, TimeUnit.SECONDS);
    }

    private void assertOthersAreServed() throws IOException {
        PeerServiceGrpc.PeerServiceBlockingStub other = other();
        assertThat(other.hello(HelloRequest.newBuilder()
                                .setProtocolVersion(PeerMessages.PROTOCOL_VERSION)
                                .build())
                        .getHostName())
                .isEqualTo("there");
        other.prepare(prepare(2));
        other.abort(AbortRequest.newBuilder().setMigration(2).setEpoch(1).build());
    }

    private static PrepareRequest prepare(long migration) {
        return PrepareRequest.newBuilder()
                .setMigration(migration)
                .setEpoch(1)
                .setGuest("db1")
                .setDefinitionJson("{}")
                .addBlocks(BlockLayout.newBuilder()
                        .setName("ram")
                        .setLengthBytes(1 << 20)
                        .setPageSizeBytes(4096)
                        .setGuestRam(true))
                .build();
    }

    /** Else every client that may look at this host could send it guests. */
    @Test
    void shouldTakeNoGuestsFromAClient() throws Exception {
        PeerServiceGrpc.PeerServiceBlockingStub client = PeerServiceGrpc.newBlockingStub(channel("client"));
        assertThatThrownBy(() -> client.hello(HelloRequest.getDefaultInstance()))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED))
                .hasMessageContaining("[scheduler.example] is a client's");
        Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> server.refused() == 1);
        assertOthersAreServed();
    }

    @Test
    void shouldLimitTheConnectionsOfOneName() throws Exception {
        SSLContext hostile = ours.context("hostile");
        List<SSLSocket> all = new ArrayList<>();
        try {
            for (int i = 0; i < 300; i++) {
                SSLSocket socket = TestCertificates.socket(hostile, server.port(), "127.0.0." + (2 + i / 100));
                all.add(socket);
                socket.startHandshake();
                socket.getOutputStream().write(FIRST_WORDS.getBytes(StandardCharsets.ISO_8859_1));
            }
            Awaitility.await().atMost(20, TimeUnit.SECONDS).until(() -> server.refused() == 300 - 256);
            assertOthersAreServed();
        } finally {
            for (SSLSocket socket : all) {
                socket.close();
            }
        }
    }

    @Test
    void shouldServeOthersThoughOneFillsItsThreadsAndOpensSilentStreams() throws Exception {
        List<Future<AbortResponse>> aborts = new ArrayList<>();
        List<Future<PrepareResponse>> prepares = new ArrayList<>();
        for (int c = 0; c < 20; c++) {
            ManagedChannel hostile = channel("hostile");
            for (int i = 0; i < 10; i++) {
                PeerServiceGrpc.PeerServiceFutureStub stub = PeerServiceGrpc.newFutureStub(hostile);
                aborts.add(stub.abort(
                        AbortRequest.newBuilder().setMigration(1).setEpoch(1).build()));
                prepares.add(stub.prepare(prepare(1)));
                PageServiceGrpc.newStub(hostile).bulk(new Ignored<BulkAck>());
            }
        }
        Awaitility.await().atMost(20, TimeUnit.SECONDS).until(() -> aborting.get() == 64 && preparing.get() == 8);
        assertOthersAreServed();
        assertThat(aborting).hasValue(64);
        assertThat(preparing).hasValue(8);
        mayEnd.countDown();
        for (Future<?> abort : aborts) {
            abort.get(20, TimeUnit.SECONDS);
        }
        for (Future<?> prepare : prepares) {
            prepare.get(20, TimeUnit.SECONDS);
        }
        assertThat(aborting).as("none is lost").hasValue(aborts.size());
    }

    private static final class Ignored<T> implements StreamObserver<T> {
        @Override
        public void onNext(T message) {}

        @Override
        public void onError(Throwable e) {}

        @Override
        public void onCompleted() {}
    }

    /** Messages that never end are memory that never comes back: more than its share costs the connection. */
    @Test
    void shouldLimitTheBytesOfUnfinishedMessages() throws Exception {
        MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        try {
            SslContext hostile = as("hostile");
            Channel connection = new Bootstrap()
                    .group(loop)
                    .channel(EpollSocketChannel.class)
                    .handler(new ChannelInitializer<Channel>() {
                        @Override
                        protected void initChannel(Channel c) {
                            c.pipeline()
                                    .addLast(hostile.newHandler(c.alloc(), "127.0.0.1", server.port()))
                                    .addLast(Http2FrameCodecBuilder.forClient().build())
                                    .addLast(new Http2MultiplexHandler(new ChannelInboundHandlerAdapter()));
                        }
                    })
                    .connect("127.0.0.1", server.port())
                    .sync()
                    .channel();
            for (int i = 0; i < 5; i++) {
                beginAMessage(connection);
            }
            assertOthersAreServed();
            assertThat(connection.closeFuture().await(60, TimeUnit.SECONDS))
                    .as("hung up")
                    .isTrue();
            Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> server.refused() > 0);
            assertOthersAreServed();
        } finally {
            loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2_000);
        }
    }

    /** All but a byte of the longest that there may be. */
    private static void beginAMessage(Channel connection) throws Exception {
        Channel stream = new Http2StreamChannelBootstrap(connection)
                .handler(new ChannelInboundHandlerAdapter())
                .open()
                .sync()
                .getNow();
        stream.write(new DefaultHttp2HeadersFrame(new DefaultHttp2Headers()
                .method("POST")
                .scheme("https")
                .authority("127.0.0.1")
                .path("/ferry.v1.PeerService/Prepare")
                .set("te", "trailers")
                .set("content-type", "application/grpc")));
        int length = PeerServer.MAX_MESSAGE_BYTES;
        ByteBuf head = Unpooled.buffer().writeByte(0).writeInt(length);
        ByteBuf body = Unpooled.wrappedBuffer(new byte[1 << 20]);
        stream.write(new DefaultHttp2DataFrame(head));
        for (int sent = 1 << 20; sent < length; sent += 1 << 20) {
            stream.write(new DefaultHttp2DataFrame(body.retainedDuplicate()));
        }
        body.release();
        stream.flush();
    }
}
