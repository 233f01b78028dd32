package dev.ferry.api;

import dev.ferry.base.NanoClock;
import dev.ferry.migration.GuestControl;
import dev.ferry.migration.MigrationControl;
import dev.ferry.migration.PlacementControl;
import dev.ferry.migration.Policy;
import dev.ferry.net.CallerThreads;
import dev.ferry.net.ConnectionLimits;
import dev.ferry.net.Connections;
import dev.ferry.net.TlsFiles;
import dev.ferry.v1.ControlSecurity;
import dev.ferry.v1.DaemonServiceGrpc;
import dev.ferry.v1.EventServiceGrpc;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.PlacementServiceGrpc;
import io.grpc.BindableService;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.Status;
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
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control addresses of a ferryd: migrations, guests, health and reflection, on every address the same. Calls run on a
 * pool, because they block; watches all on one thread.
 */
public final class ControlServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    private static final int MAX_MESSAGE_BYTES = 4 << 20;
    private static final long CLOSE_LIMIT_MS = 500;
    private static final long IDLE_SECONDS = 60;
    private static final int HANDSHAKE_SECONDS = 10;
    private static final int MOST_HEADER_BYTES = 8 << 10;

    /** Of one caller at once; more of its calls wait. Most are over in milliseconds, a cancel when the migration has ended. */
    private static final int MOST_CALLS_OF_ONE = 64;

    /** Watches are calls too. */
    private static final int MOST_CALLS_OF_A_CONNECTION = 256;

    private static final int MOST_RESETS = 500;
    private static final int RESETS_SECONDS = 10;

    /** Over TCP, of a client that has nothing to say; it dials again when it has. */
    private static final int IDLE_CONNECTION_MINUTES = 15;

    private static final int ALIVE_SECONDS = 30;
    private static final int ALIVE_ANSWER_SECONDS = 10;

    /** Over TCP. */
    private static final ConnectionLimits LIMITS = new ConnectionLimits(64, 64, 256, 8L * MAX_MESSAGE_BYTES);

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
    private final CallerThreads threads = new CallerThreads(calls);
    private final Connections connections = new Connections(
            "a control client", LIMITS, Set.of(Status.Code.PERMISSION_DENIED, Status.Code.UNAUTHENTICATED));
    private final Optional<TlsFiles> tls;
    private volatile ControlRoles roles;
    private final Callers callers;
    private final ControlAccess access;
    private final MigrationCalls migrationCalls;
    private final List<BindableService> services;
    private final List<Server> servers = new ArrayList<>();
    private final List<String> addresses = new ArrayList<>();
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * Listens at once, on all addresses or none.
     *
     * @param listen as {@link ListenAddress#control} reads them
     * @param tls over TCP; empty: without, on loopback
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
            Optional<TlsFiles> tls,
            ControlRoles roles,
            AuditLog audit,
            Policy defaults,
            NanoClock clock)
            throws IOException {
        this(
                listen,
                migrations,
                guests,
                placement,
                host,
                status,
                tls,
                roles,
                audit,
                defaults,
                clock,
                ReportSource.NONE,
                true);
    }

    /**
     * As above, with records of migrations.
     *
     * @param needsAll false: an address of TCP that cannot be had is said in the log, and it goes on without
     */
    public ControlServer(
            List<String> listen,
            MigrationControl migrations,
            GuestControl guests,
            PlacementControl placement,
            HostIdentity host,
            Supplier<DaemonStatus> status,
            Optional<TlsFiles> tls,
            ControlRoles roles,
            AuditLog audit,
            Policy defaults,
            NanoClock clock,
            ReportSource reports,
            boolean needsAll)
            throws IOException {
        this.clock = clock;
        this.tls = tls;
        this.roles = roles;
        callers = new Callers(tls.isPresent());
        access = new ControlAccess(roles, audit);
        watches = new Watches(migrations);
        migrationCalls = new MigrationCalls(migrations, guests, defaults, watches, reports);
        services = List.of(
                migrationCalls,
                new GuestCalls(guests),
                new DaemonCalls(status, this::addresses, this::security),
                new PlacementCalls(placement, host),
                new EventCalls(watches),
                health.getHealthService(),
                ProtoReflectionServiceV1.newInstance());
        try {
            for (String address : listen) {
                SocketAddress where = ListenAddress.control(address, tls.isPresent());
                try {
                    start(where);
                } catch (IOException e) {
                    if (needsAll || where instanceof UnixDomainSocketAddress) {
                        throw e;
                    }
                    LOG.error("control.listen {}: there is no control there until ferryd is started again", address, e);
                }
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
            NettyServerBuilder builder = NettyServerBuilder.forAddress(tcp)
                    .channelFactory(() -> connections.watch(new EpollServerSocketChannel()))
                    .addTransportFilter(connections)
                    .maxConcurrentCallsPerConnection(MOST_CALLS_OF_A_CONNECTION)
                    .maxConnectionIdle(IDLE_CONNECTION_MINUTES, TimeUnit.MINUTES)
                    .keepAliveTime(ALIVE_SECONDS, TimeUnit.SECONDS)
                    .keepAliveTimeout(ALIVE_ANSWER_SECONDS, TimeUnit.SECONDS);
            tls.ifPresent(t -> builder.sslContext(t.server()));
            addresses.add(ListenAddress.text(
                    new InetSocketAddress(tcp.getAddress(), add(builder).getPort())));
        }
    }

    private Server add(NettyServerBuilder builder) throws IOException {
        builder.bossEventLoopGroup(loops)
                .workerEventLoopGroup(loops)
                .executor(calls)
                .callExecutor(new OfTheCaller())
                .addStreamTracerFactory(connections.calls())
                .addTransportFilter(callers)
                .intercept(access)
                .handshakeTimeout(HANDSHAKE_SECONDS, TimeUnit.SECONDS)
                .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                .maxInboundMetadataSize(MOST_HEADER_BYTES)
                .maxRstFramesPerWindow(MOST_RESETS, RESETS_SECONDS)
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true);
        services.forEach(builder::addService);
        Server server = builder.build().start();
        servers.add(server);
        return server;
    }

    private ControlSecurity security() {
        ControlRoles known = roles;
        return ControlSecurity.newBuilder()
                .addAllViewers(known.viewers())
                .addAllClientOperators(known.clientOperators())
                .addAllClientViewers(known.clientViewers())
                .setRefused(refused())
                .build();
    }

    /** Connections and calls that were refused for who made them, since the start. */
    public long refused() {
        return connections.refused();
    }

    /** From now on; see the constructor. */
    public void roles(ControlRoles now) {
        roles = now;
        access.roles(now);
    }

    /** From now on; see the constructor. */
    public void defaults(Policy defaults) {
        migrationCalls.defaults(defaults);
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

    /** No caller takes the threads of another. */
    private final class OfTheCaller implements ServerCallExecutorSupplier {
        @Override
        public <Q, A> Executor getExecutor(ServerCall<Q, A> call, Metadata metadata) {
            Caller caller = call.getAttributes().get(Callers.CALLER);
            return caller == null ? calls : threads.of(caller.who(), MOST_CALLS_OF_ONE);
        }
    }
}
