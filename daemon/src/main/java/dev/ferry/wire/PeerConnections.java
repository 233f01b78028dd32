package dev.ferry.wire;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.ServerTransportFilter;
import io.grpc.Status;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.EpollServerSocketChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections to the peer address: so many of one host at most, and those that ended before they said a word of the protocol, for want
 * of a certificate for example, are counted. Thread-safe.
 */
final class PeerConnections extends ServerTransportFilter {
    private static final Logger LOG = LoggerFactory.getLogger(PeerConnections.class);

    /** Three for each guest that moves, and those that are being made again. */
    private static final int MOST_OF_ONE_HOST = 256;

    private static final Set<Status.Code> REFUSALS =
            Set.of(Status.Code.PERMISSION_DENIED, Status.Code.UNAUTHENTICATED, Status.Code.RESOURCE_EXHAUSTED);

    private final Map<InetAddress, Integer> open = new ConcurrentHashMap<>();
    private final Set<SocketAddress> waiting = ConcurrentHashMap.newKeySet();
    private final AtomicLong refused = new AtomicLong();

    /** Those that were refused, and calls that were. */
    long refused() {
        return refused.get();
    }

    /** Counts the calls that are refused: for who makes them, and for messages that are too long. */
    ServerStreamTracer.Factory calls() {
        return new ServerStreamTracer.Factory() {
            @Override
            public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
                return new ServerStreamTracer() {
                    @Override
                    public void streamClosed(Status status) {
                        if (REFUSALS.contains(status.getCode())) {
                            refused.incrementAndGet();
                        }
                    }
                };
            }
        };
    }

    /** Listens; each connection goes through here before anything is read from it. */
    EpollServerSocketChannel channel() {
        EpollServerSocketChannel channel = new EpollServerSocketChannel();
        channel.pipeline().addFirst(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object accepted) {
                Channel child = (Channel) accepted;
                if (isOneTooMany(child)) {
                    child.unsafe().closeForcibly();
                } else {
                    context.fireChannelRead(child);
                }
            }
        });
        return channel;
    }

    private boolean isOneTooMany(Channel child) {
        InetSocketAddress remote = (InetSocketAddress) child.remoteAddress();
        InetAddress host = remote.getAddress();
        if (open.merge(host, 1, Integer::sum) > MOST_OF_ONE_HOST) {
            leave(host);
            refused.incrementAndGet();
            LOG.warn("{} has {} connections already: another one is refused", host, MOST_OF_ONE_HOST);
            return true;
        }
        waiting.add(remote);
        Knock knock = new Knock();
        child.pipeline().addFirst(knock);
        child.closeFuture().addListener(closed -> {
            leave(host);
            if (waiting.remove(remote) && !knock.wasAll()) {
                refused.incrementAndGet();
                LOG.warn("a connection from {} ended before it was one of a peer", remote);
            }
        });
        return false;
    }

    /** Who only looks whether somebody listens, as {@link Knocking} does, says nothing and goes soon. On the connection's event loop. */
    private static final class Knock extends ChannelInboundHandlerAdapter {
        private static final long SOON_NS = TimeUnit.SECONDS.toNanos(5);

        private final long sinceNs = System.nanoTime();
        private boolean spoke;

        boolean wasAll() {
            return !spoke && System.nanoTime() - sinceNs < SOON_NS;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            spoke = true;
            context.pipeline().remove(this);
            context.fireChannelRead(message);
        }
    }

    private void leave(InetAddress host) {
        open.computeIfPresent(host, (h, n) -> n == 1 ? null : n - 1);
    }

    @Override
    public Attributes transportReady(Attributes attributes) {
        SocketAddress remote = attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
        if (remote != null) {
            waiting.remove(remote);
        }
        return attributes;
    }
}
