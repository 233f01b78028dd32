package dev.ferry.wire;

import dev.ferry.sys.ThreadPriority;
import io.grpc.Codec;
import io.grpc.DecompressorRegistry;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Channels to one peer, each with a TCP connection and an event loop of its own. Closed in reverse order. */
final class PeerChannels implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PeerChannels.class);
    private static final int LEAST_RECEIVE_BYTES = 2 << 10;
    private static final int FIRST_RECEIVE_BYTES = 16 << 10;

    /** A batch at once: what is received in pieces is put together by copying. */
    private static final int MOST_RECEIVE_BYTES = 512 << 10;

    static final int USER_TIMEOUT_MS = 10_000;

    /**
     * While a guest stands still or waits for pages, silence of this length is a broken connection. Left alone, TCP asks less and
     * less often: after a cut of 5 s it would be quiet for more than another second.
     */
    private static final int IMPATIENT_MS = 1_000;

    private static final int IMPATIENT_SECONDS = IMPATIENT_MS / 1_000;
    private static final int IPPROTO_TCP = 6;

    /**
     * What is lost on a connection that carries little is sent again every 200 ms, six times, instead of half as often each time:
     * questions and answers are there soon after a link's return. linux/tcp.h, TCP_THIN_LINEAR_TIMEOUTS.
     */
    static final ChannelOption<Integer> THIN_LINEAR =
            new IntegerUnixChannelOption("TCP_THIN_LINEAR_TIMEOUTS", IPPROTO_TCP, 16);

    private final Optional<PeerTls> tls;
    private final String threads;
    private final List<ManagedChannel> channels = new ArrayList<>();
    private final List<MultiThreadIoEventLoopGroup> loops = new ArrayList<>();
    private final Set<EpollSocketChannel> sockets = ConcurrentHashMap.newKeySet();
    private String address = "";
    private int connectMs = (int) TimeUnit.SECONDS.toMillis(10);
    private volatile boolean impatient;

    /** @param threads what its threads' names begin with */
    PeerChannels(Optional<PeerTls> tls, String threads) {
        this.tls = tls;
        this.threads = threads;
    }

    /**
     * Where channels that are opened from now on lead.
     *
     * @param hostPort HOST:PORT
     * @param limitMs how long a connection may take to be made
     */
    void use(String hostPort, int limitMs) {
        address = hostPort;
        connectMs = limitMs;
    }

    /** From now on a connection is broken when its other end is silent for a second; also those that are made later. */
    void beImpatient() {
        impatient = true;
        sockets.forEach(PeerChannels::expectAnswers);
    }

    private static void expectAnswers(EpollSocketChannel socket) {
        try {
            // The keep-alive finds out where nothing is under way.
            socket.config()
                    .setTcpUserTimeout(IMPATIENT_MS)
                    .setTcpKeepIdle(IMPATIENT_SECONDS)
                    .setTcpKeepIntvl(IMPATIENT_SECONDS)
                    .setKeepAlive(true);
        } catch (ChannelException e) {
            LOG.debug("{} is closed", socket, e);
        }
    }

    private EpollSocketChannel socket() {
        EpollSocketChannel socket = new EpollSocketChannel();
        // As options of the channel they had no effect: gRPC has its own.
        socket.pipeline().addLast(new ChannelOutboundHandlerAdapter() {
            @Override
            public void connect(ChannelHandlerContext ctx, SocketAddress to, SocketAddress from, ChannelPromise done) {
                if (impatient) {
                    expectAnswers(socket);
                }
                ctx.connect(to, from, done);
                ctx.pipeline().remove(this);
            }
        });
        sockets.add(socket);
        socket.closeFuture().addListener(closed -> sockets.remove(socket));
        return socket;
    }

    /** Its event loop runs ahead of all ordinary threads. */
    ManagedChannel openUrgent(String purpose) {
        ManagedChannel channel = open(purpose);
        loops.get(loops.size() - 1).execute(ThreadPriority::urgent);
        return channel;
    }

    /** Its event loop gives way to ordinary threads, such as a guest's vCPUs. */
    ManagedChannel openBackground(String purpose) {
        ManagedChannel channel = open(purpose);
        loops.get(loops.size() - 1).execute(ThreadPriority::background);
        return channel;
    }

    private ManagedChannel open(String purpose) {
        MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory(threads + purpose + "-" + address, true), EpollIoHandler.newFactory());
        NettyChannelBuilder builder = NettyChannelBuilder.forTarget(address)
                .eventLoopGroup(loop)
                .channelFactory(this::socket)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, connectMs)
                .withOption(THIN_LINEAR, 1)
                .withOption(EpollChannelOption.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
                .keepAliveTime(10, TimeUnit.SECONDS)
                .keepAliveTimeout(5, TimeUnit.SECONDS)
                .maxInboundMessageSize(PeerServer.MAX_MESSAGE_BYTES)
                .decompressorRegistry(DecompressorRegistry.emptyInstance().with(Codec.Identity.NONE, true))
                .intercept(BoundedMarshaller.responses());
        tls.ifPresentOrElse(t -> t.configure(builder), builder::usePlaintext);
        ManagedChannel channel = builder.build();
        loops.add(loop);
        channels.add(channel);
        return channel;
    }

    /** One that is not wanted any more. */
    void close(ManagedChannel channel) {
        int at = channels.indexOf(channel);
        channels.remove(at).shutdownNow();
        loops.remove(at).shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    static RecvByteBufAllocator receiveBuffers() {
        return new AdaptiveRecvByteBufAllocator(LEAST_RECEIVE_BYTES, FIRST_RECEIVE_BYTES, MOST_RECEIVE_BYTES);
    }

    @Override
    public void close() {
        for (int i = channels.size() - 1; i >= 0; i--) {
            channels.get(i).shutdownNow();
            loops.get(i).shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
        channels.clear();
        loops.clear();
    }
}
