package dev.ferry.net;

import io.grpc.Attributes;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.ServerTransportFilter;
import io.grpc.Status;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The TCP connections to one listener: so many of one address and of one caller at most, so many that have not said a word, so many bytes
 * of unfinished messages. Those that were refused, or ended before they said a word of the protocol, for want of a certificate for
 * example, are counted. Each call has a {@link Remote}. Thread-safe.
 */
public final class Connections extends ServerTransportFilter {
    private static final Logger LOG = LoggerFactory.getLogger(Connections.class);

    private static final long QUIET_NS = TimeUnit.SECONDS.toNanos(1);

    private final String what;
    private final ConnectionLimits limits;
    private final Set<Status.Code> refusals;

    /** gRPC does not show a connection's channel, but its remote address, the very object. */
    private final Map<SocketAddress, Connection> open = Collections.synchronizedMap(new IdentityHashMap<>());

    private final Map<InetAddress, Integer> ofAddress = new ConcurrentHashMap<>();
    private final Map<String, Integer> ofCaller = new ConcurrentHashMap<>();
    private final Map<String, Long> bytesOfCaller = new ConcurrentHashMap<>();

    /** Guarded by itself. The oldest first. */
    private final Set<Connection> waiting = new LinkedHashSet<>();

    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong quietUntilNs = new AtomicLong(System.nanoTime());

    /**
     * @param what the listener's, for the log: "a peer"
     * @param refusals what a call ends with that was refused for who made it
     */
    public Connections(String what, ConnectionLimits limits, Set<Status.Code> refusals) {
        this.what = what;
        this.limits = limits;
        this.refusals = refusals;
    }

    /** One that was accepted. {@code remote} is set on its event loop when it has said its first words. */
    private static final class Connection {
        private final Channel channel;
        private final Knock knock = new Knock();
        private volatile Remote remote;

        /** On its event loop only. */
        private boolean takesTooMuch;

        Connection(Channel channel) {
            this.channel = channel;
        }

        InetSocketAddress address() {
            return (InetSocketAddress) channel.remoteAddress();
        }
    }

    /** Who only looks whether somebody listens says nothing and goes soon. On the connection's event loop. */
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

    /** Connections and calls that were refused, since the start. */
    public long refused() {
        return refused.get();
    }

    /** @param listening each connection goes through here before anything is read from it */
    public <C extends Channel> C watch(C listening) {
        listening.pipeline().addFirst(new ChannelInboundHandlerAdapter() {
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
        return listening;
    }

    private boolean isOneTooMany(Channel child) {
        SocketAddress key = child.remoteAddress();
        InetAddress host = ((InetSocketAddress) key).getAddress();
        if (ofAddress.merge(host, 1, Integer::sum) > limits.ofOneAddress()) {
            leave(ofAddress, host);
            refuse("{} has {} connections already: another one is refused", host, limits.ofOneAddress());
            return true;
        }
        Connection connection = new Connection(child);
        open.put(key, connection);
        child.pipeline().addFirst(connection.knock);
        makeRoom(connection);
        child.closeFuture().addListener(closed -> {
            open.remove(key);
            synchronized (waiting) {
                waiting.remove(connection);
            }
            leave(ofAddress, host);
            Remote remote = connection.remote;
            if (remote != null) {
                leave(ofCaller, remote.who());
            } else if (!connection.knock.wasAll()) {
                refuse("a connection from {} ended before it was one of {}", key, what);
            }
        });
        return false;
    }

    /** Counts it, and says it unless it has just said something: who is refused often must not fill the log. */
    private void refuse(String why, Object who, Object limit) {
        refused.incrementAndGet();
        long now = System.nanoTime();
        long until = quietUntilNs.get();
        if (now - until >= 0 && quietUntilNs.compareAndSet(until, now + QUIET_NS)) {
            LOG.warn(why, who, limit);
        }
    }

    /** A handshake takes milliseconds: who has waited longest is not going to end it. */
    private void makeRoom(Connection connection) {
        Connection oldest = null;
        synchronized (waiting) {
            waiting.add(connection);
            if (waiting.size() > limits.waiting()) {
                Iterator<Connection> all = waiting.iterator();
                oldest = all.next();
                all.remove();
            }
        }
        if (oldest != null) {
            close(oldest);
        }
    }

    private static <K> void leave(Map<K, Integer> counts, K who) {
        counts.computeIfPresent(who, (w, n) -> n == 1 ? null : n - 1);
    }

    @Override
    public Attributes transportReady(Attributes attributes) {
        Connection connection = of(attributes);
        if (connection == null) {
            return attributes;
        }
        Remote remote = Remote.of(connection.address(), attributes);
        connection.remote = remote;
        synchronized (waiting) {
            waiting.remove(connection);
        }
        if (ofCaller.merge(remote.who(), 1, Integer::sum) > limits.ofOneCaller()) {
            refuse("{} has {} connections already: another one is refused", remote.who(), limits.ofOneCaller());
            close(connection);
        }
        return attributes.toBuilder().set(Remote.KEY, remote).build();
    }

    private Connection of(Attributes attributes) {
        SocketAddress key = Remote.addressOf(attributes);
        return key == null ? null : open.get(key);
    }

    /** At once: gRPC's own way, through the pipeline, waits for the calls that are open. Not while gRPC is in the middle of it. */
    private static void close(Connection connection) {
        Channel channel = connection.channel;
        channel.eventLoop().execute(() -> channel.unsafe().close(channel.newPromise()));
    }

    /** Counts the calls that are refused, and the bytes of messages that have begun. */
    public ServerStreamTracer.Factory calls() {
        return new ServerStreamTracer.Factory() {
            @Override
            public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
                return new Call();
            }
        };
    }

    private final class Call extends ServerStreamTracer {
        private Connection connection;
        private long unfinishedBytes;
        private boolean heard;

        @Override
        public synchronized void serverCallStarted(ServerCallInfo<?, ?> call) {
            connection = of(call.getAttributes());
        }

        @Override
        public synchronized void inboundWireSize(long bytes) {
            if (connection == null) {
                return;
            }
            unfinishedBytes += bytes;
            String who = connection.remote.who();
            if (bytesOfCaller.merge(who, bytes, Long::sum) > limits.bytesOfOneCaller() && !connection.takesTooMuch) {
                connection.takesTooMuch = true;
                refuse(
                        "{} has more than {} bytes of unfinished messages under way: its connection is closed",
                        who,
                        limits.bytesOfOneCaller());
                close(connection);
            }
        }

        @Override
        public synchronized void inboundMessageRead(int sequence, long wireSize, long uncompressedSize) {
            heard = true;
            forget();
        }

        private void forget() {
            if (connection != null && unfinishedBytes > 0) {
                long bytes = unfinishedBytes;
                unfinishedBytes = 0;
                bytesOfCaller.computeIfPresent(connection.remote.who(), (w, n) -> n == bytes ? null : n - bytes);
            }
        }

        @Override
        public synchronized void streamClosed(Status status) {
            forget();
            // Nothing heard: its first message was too long.
            boolean wasTooLong = !heard && status.getCode() == Status.Code.RESOURCE_EXHAUSTED;
            if (wasTooLong || refusals.contains(status.getCode())) {
                refused.incrementAndGet();
            }
        }
    }
}
