package dev.ferry.wire;

import dev.ferry.migration.Arrivals;
import dev.ferry.net.CallerThreads;
import dev.ferry.net.ConnectionLimits;
import dev.ferry.net.Connections;
import dev.ferry.net.Remote;
import dev.ferry.v1.PeerServiceGrpc;
import io.grpc.Codec;
import io.grpc.DecompressorRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * The peer address of a ferryd: PeerService on a pool of threads, because its calls block; PageService on the connections'
 * event loops, because nothing there does. Many event loops, so that a demand connection rarely shares one with a bulk
 * connection; they cost nothing until they are used.
 */
public final class PeerServer implements AutoCloseable {
    static final int MAX_MESSAGE_BYTES = 64 << 20;
    private static final int EVENT_LOOPS = 32;
    private static final int HANDSHAKE_SECONDS = 10;

    /** Of one connection: a source has one or two, and a few that it has given up. */
    private static final int MOST_CALLS_AT_ONCE = 32;

    /** Frames that take a call back, of one connection in so many seconds: each costs a thread for a moment. */
    private static final int MOST_RESETS = 500;

    private static final int RESETS_SECONDS = 10;

    /** Steps of one host's migrations at once: each has one. More wait. */
    private static final int MOST_STEPS_OF_ONE = 64;

    /** That may each start a QEMU, of one host at once. More wait. */
    private static final int MOST_STARTS_OF_ONE = 8;

    private static final Set<MethodDescriptor<?, ?>> STARTS =
            Set.of(PeerServiceGrpc.getPrepareMethod(), PeerServiceGrpc.getCheckIncomingMethod());

    /**
     * Connections: three for each guest that moves, and those that are being made again. Unfinished messages: four of the longest, which is
     * half of what ferryd has for them.
     */
    private static final ConnectionLimits LIMITS = new ConnectionLimits(256, 256, 512, 4L * MAX_MESSAGE_BYTES);

    private final MultiThreadIoEventLoopGroup loops;
    private final ExecutorService pool;
    private final Connections connections = new Connections(
            "a peer",
            LIMITS,
            Set.of(Status.Code.PERMISSION_DENIED, Status.Code.UNAUTHENTICATED, Status.Code.RESOURCE_EXHAUSTED));
    private final Server server;

    /** Listens at once; {@code hostName} is how this host names itself to peers. */
    public PeerServer(
            InetSocketAddress listen, Arrivals arrivals, String version, String hostName, Optional<PeerTls> tls)
            throws IOException {
        this(listen, arrivals, version, hostName, tls, "");
    }

    /** @param threads what its threads' names begin with */
    public PeerServer(
            InetSocketAddress listen,
            Arrivals arrivals,
            String version,
            String hostName,
            Optional<PeerTls> tls,
            String threads)
            throws IOException {
        loops = new MultiThreadIoEventLoopGroup(
                EVENT_LOOPS, new DefaultThreadFactory(threads + "peer", true), EpollIoHandler.newFactory());
        pool = Executors.newCachedThreadPool(new DefaultThreadFactory(threads + "peer-call", true));
        NettyServerBuilder builder = NettyServerBuilder.forAddress(listen)
                .channelFactory(() -> connections.watch(new EpollServerSocketChannel()))
                .addTransportFilter(connections)
                .addStreamTracerFactory(connections.calls())
                .bossEventLoopGroup(loops)
                .workerEventLoopGroup(loops)
                .withChildOption(ChannelOption.RECVBUF_ALLOCATOR, PeerChannels.receiveBuffers())
                .directExecutor()
                .callExecutor(new StepsOnThePool())
                .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                // No source compresses, and what is packed small is not known to be small.
                .decompressorRegistry(DecompressorRegistry.emptyInstance().with(Codec.Identity.NONE, true))
                .withChildOption(EpollChannelOption.TCP_USER_TIMEOUT, PeerChannels.USER_TIMEOUT_MS)
                .withChildOption(PeerChannels.THIN_LINEAR, 1)
                .keepAliveTime(10, TimeUnit.SECONDS)
                .keepAliveTimeout(5, TimeUnit.SECONDS)
                .handshakeTimeout(HANDSHAKE_SECONDS, TimeUnit.SECONDS)
                .maxConcurrentCallsPerConnection(MOST_CALLS_AT_ONCE)
                .maxRstFramesPerWindow(MOST_RESETS, RESETS_SECONDS)
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                .addService(BoundedMarshaller.requests(new PeerService(arrivals, version, hostName).bindService()))
                .addService(new PageCalls(arrivals, loops).definition());
        tls.ifPresent(t -> builder.sslContext(t.server()).intercept(t.interceptor()));
        server = builder.build().start();
    }

    /** Connections and calls that were refused for who made them, since the start. */
    public long refused() {
        return connections.refused();
    }

    /** Returns when every event loop and the threads of calls have answered. */
    public void ask() throws InterruptedException, ExecutionException {
        for (EventExecutor loop : loops) {
            loop.submit(() -> {}).get();
        }
        pool.submit(() -> {}).get();
    }

    public int port() {
        return server.getPort();
    }

    @Override
    public void close() {
        server.shutdownNow();
        pool.shutdownNow();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    /** A call begins on its event loop; only one that may block leaves it, for threads that its caller shares with nobody. */
    private final class StepsOnThePool implements ServerCallExecutorSupplier {
        private final CallerThreads threads = new CallerThreads(pool);

        @Override
        public <Q, A> Executor getExecutor(ServerCall<Q, A> call, Metadata metadata) {
            MethodDescriptor<Q, A> method = call.getMethodDescriptor();
            Remote remote = call.getAttributes().get(Remote.KEY);
            if ("ferry.v1.PageService".equals(method.getServiceName())) {
                return null; // stays where it is
            }
            if (remote == null) {
                return pool; // has gone
            }
            return isStart(method)
                    ? threads.of(remote.who() + " starts", MOST_STARTS_OF_ONE)
                    : threads.of(remote.who(), MOST_STEPS_OF_ONE);
        }

        private static boolean isStart(MethodDescriptor<?, ?> method) {
            return STARTS.stream().anyMatch(s -> s.getFullMethodName().equals(method.getFullMethodName()));
        }
    }
}
