package dev.ferry.client;

import dev.ferry.v1.DaemonServiceGrpc;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.MigrationServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * One channel to one ferryd. Dials with the first call. Unix sockets through NIO, which has them since Java 16: no native
 * library to unpack and load, which would be most of the time a {@code list} takes.
 */
final class Connection implements AutoCloseable {
    /** Longer than ferryd's own limits (starting a QEMU, asking a peer, undoing a move), so that its answer wins. */
    private static final long DEADLINE_S = 120;

    private static final int CONNECT_LIMIT_MS = 5_000;

    private final EventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("ferry", true), NioIoHandler.newFactory());
    private final ManagedChannel channel;

    /** @param tls how TCP is secured; not asked for a unix socket, which knows its callers */
    Connection(Endpoint endpoint, Supplier<Optional<Path>> tls) {
        channel = builder(endpoint, tls)
                .eventLoopGroup(loop)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_LIMIT_MS)
                .directExecutor()
                .build();
    }

    private static NettyChannelBuilder builder(Endpoint endpoint, Supplier<Optional<Path>> tls) {
        if (endpoint instanceof Endpoint.Unix unix) {
            return NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(unix.path()))
                    .channelType(NioDomainSocketChannel.class)
                    .overrideAuthority("localhost")
                    .usePlaintext();
        }
        HostPort tcp = ((Endpoint.Tcp) endpoint).address();
        NettyChannelBuilder builder =
                NettyChannelBuilder.forTarget("dns:///" + tcp).channelType(NioSocketChannel.class);
        Optional<Path> directory = tls.get();
        return directory.isPresent()
                ? builder.sslContext(new ClientTls(directory.get()).context())
                : builder.usePlaintext();
    }

    MigrationServiceGrpc.MigrationServiceBlockingStub migrations() {
        return MigrationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_S, TimeUnit.SECONDS);
    }

    GuestServiceGrpc.GuestServiceBlockingStub guests() {
        return GuestServiceGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_S, TimeUnit.SECONDS);
    }

    DaemonServiceGrpc.DaemonServiceBlockingStub daemon() {
        return DaemonServiceGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_S, TimeUnit.SECONDS);
    }

    /** For streams: no deadline. */
    MigrationServiceGrpc.MigrationServiceBlockingV2Stub watches() {
        return MigrationServiceGrpc.newBlockingV2Stub(channel);
    }

    /** The next call dials at once, however often the last ones failed. */
    void dialAgain() {
        channel.resetConnectBackoff();
    }

    @Override
    public void close() {
        channel.shutdownNow();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
