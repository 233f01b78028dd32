package dev.ferry.api;

import dev.ferry.base.NanoClock;
import dev.ferry.migration.GuestControl;
import dev.ferry.migration.MigrationControl;
import dev.ferry.migration.PlacementControl;
import dev.ferry.migration.Policy;
import dev.ferry.v1.DaemonServiceGrpc;
import dev.ferry.v1.EventServiceGrpc;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.PlacementServiceGrpc;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * The control addresses of a ferryd: migrations, guests, health and reflection, on every address the same. Calls run on a
 * pool, because they block; watches all on one thread.
 */
public final class ControlServer implements AutoCloseable {
    private static final int MAX_MESSAGE_BYTES = 4 << 20;
    private static final long CLOSE_LIMIT_MS = 500;
    private static final long IDLE_SECONDS = 60;

    private final MultiThreadIoEventLoopGroup loops =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("control", true), EpollIoHandler.newFactory());
    // A call that ends because the server does still has something to tell its handler: nobody is interested any more.
    private final ExecutorService calls = new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            new DefaultThreadFactory("control-call", true),
            new ThreadPoolExecutor.DiscardPolicy());
    private final HealthStatusManager health = new HealthStatusManager();
    private final NanoClock clock;
    private final Watches watches;
    private final Callers callers = new Callers();
    private final ControlAccess access;
    private final List<BindableService> services;
    private final List<Server> servers = new ArrayList<>();
    private final List<String> addresses = new ArrayList<>();
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * Listens at once, on all addresses or none.
     *
     * @param listen as {@link ListenAddress#control} reads them
     * @param viewers names or numbers of users who may only look
     * @param audit of calls that may change something
     * @param defaults for what a caller leaves open
     */
    public ControlServer(
            List<String> listen,
            MigrationControl migrations,
            GuestControl guests,
            PlacementControl placement,
            HostIdentity host,
            Supplier<DaemonStatus> status,
            List<String> viewers,
            AuditLog audit,
            Policy defaults,
            NanoClock clock)
            throws IOException {
        this(listen, migrations, guests, placement, host, status, viewers, audit, defaults, clock, ReportSource.NONE);
    }

    /** As above, with records of migrations. */
    public ControlServer(
            List<String> listen,
            MigrationControl migrations,
            GuestControl guests,
            PlacementControl placement,
            HostIdentity host,
            Supplier<DaemonStatus> status,
            List<String> viewers,
            AuditLog audit,
            Policy defaults,
            NanoClock clock,
            ReportSource reports)
            throws IOException {
        this.clock = clock;
        access = new ControlAccess(viewers, audit);
        watches = new Watches(migrations);
        services = List.of(
                new MigrationCalls(migrations, guests, defaults, watches, reports),
                new GuestCalls(guests),
                new DaemonCalls(status, this::addresses),
                new PlacementCalls(placement, host),
                new EventCalls(watches),
                health.getHealthService(),
                ProtoReflectionServiceV1.newInstance());
        try {
            for (String address : listen) {
                start(ListenAddress.control(address));
            }
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
        for (String service : List.of(
                "",
                MigrationServiceGrpc.SERVICE_NAME,
                GuestServiceGrpc.SERVICE_NAME,
                PlacementServiceGrpc.SERVICE_NAME,
                EventServiceGrpc.SERVICE_NAME,
                DaemonServiceGrpc.SERVICE_NAME)) {
            health.setStatus(service, ServingStatus.SERVING);
        }
    }

    private void start(SocketAddress address) throws IOException {
        if (address instanceof UnixDomainSocketAddress unix) {
            SocketFile.makeRoom(unix.getPath());
            add(NettyServerBuilder.forAddress(
                            new DomainSocketAddress(unix.getPath().toString()))
                    .channelFactory(() -> callers.watch(SocketFile.closedToOthers())));
            SocketFile.openToGroup(unix.getPath());
            addresses.add(ListenAddress.text(unix));
        } else {
            InetSocketAddress tcp = (InetSocketAddress) address;
            Server server = add(NettyServerBuilder.forAddress(tcp)
                    .channelFactory(() -> callers.watch(new EpollServerSocketChannel())));
            addresses.add(ListenAddress.text(new InetSocketAddress(tcp.getAddress(), server.getPort())));
        }
    }

    private Server add(NettyServerBuilder builder) throws IOException {
        builder.bossEventLoopGroup(loops)
                .workerEventLoopGroup(loops)
                .executor(calls)
                .addTransportFilter(callers)
                .intercept(access)
                .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true);
        services.forEach(builder::addService);
        Server server = builder.build().start();
        servers.add(server);
        return server;
    }

    /** Returns when every event loop and the threads of calls have answered. */
    public void ask() throws InterruptedException, ExecutionException {
        for (EventExecutor loop : loops) {
            loop.submit(() -> {}).get();
        }
        calls.submit(() -> {}).get();
    }

    /** Where it listens, in the order of the configuration, with the ports that were bound. */
    public List<String> addresses() {
        return List.copyOf(addresses);
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        health.enterTerminalState();
        watches.close();
        servers.forEach(Server::shutdown);
        try {
            if (!haveEnded()) {
                // Calls that block are interrupted and still answer; their connections go after them.
                calls.shutdownNow();
                calls.awaitTermination(CLOSE_LIMIT_MS, TimeUnit.MILLISECONDS);
                servers.forEach(Server::shutdownNow);
                haveEnded();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            servers.forEach(Server::shutdownNow);
        }
        calls.shutdownNow();
        // Also closes the listening sockets, which removes their files.
        loops.shutdownGracefully(0, CLOSE_LIMIT_MS, TimeUnit.MILLISECONDS).awaitUninterruptibly(CLOSE_LIMIT_MS * 2);
    }

    private boolean haveEnded() throws InterruptedException {
        long endNs = clock.nanoTime() + CLOSE_LIMIT_MS * 1_000_000;
        for (Server server : servers) {
            if (!server.awaitTermination(Math.max(1, endNs - clock.nanoTime()), TimeUnit.NANOSECONDS)) {
                return false;
            }
        }
        return true;
    }
}
