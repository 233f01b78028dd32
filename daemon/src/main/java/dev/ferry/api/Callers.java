package dev.ferry.api;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.ServerTransportFilter;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Knows who is at the other end of each control connection: SO_PEERCRED, unix(7), as it was when the connection was made. gRPC does not
 * show a connection's channel, but its remote address, the very object: by that they are found again. Thread-safe.
 */
final class Callers extends ServerTransportFilter {
    /** Of every call. */
    static final Attributes.Key<Caller> CALLER = Attributes.Key.create("ferry-caller");

    private static final Path USERS = Path.of("/etc/passwd");

    private final Map<SocketAddress, Caller> accepted = Collections.synchronizedMap(new IdentityHashMap<>());

    /** @param listening each connection goes through here before anything is read from it */
    <C extends Channel> C watch(C listening) {
        listening.pipeline().addFirst(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object child) {
                Channel connection = (Channel) child;
                SocketAddress remote = connection.remoteAddress();
                accepted.put(remote, of(connection));
                connection.closeFuture().addListener(closed -> accepted.remove(remote));
                context.fireChannelRead(child);
            }
        });
        return listening;
    }

    private static Caller of(Channel connection) {
        if (!(connection instanceof EpollDomainSocketChannel unix)) {
            return Caller.overTcp(String.valueOf(connection.remoteAddress()));
        }
        try {
            PeerCredentials credentials = unix.peerCredentials();
            return new Caller(name(credentials.uid()), credentials.uid(), credentials.pid());
        } catch (IOException e) {
            throw new UncheckedIOException("SO_PEERCRED", e);
        }
    }

    /** From /etc/passwd; of a user who is only in a directory service, the number. */
    private static String name(int uid) {
        try (var lines = Files.lines(USERS)) {
            return lines.map(line -> line.split(":", 4))
                    .filter(user -> user.length > 2 && user[2].equals(Integer.toString(uid)))
                    .map(user -> user[0])
                    .findFirst()
                    .orElse(Integer.toString(uid));
        } catch (IOException | UncheckedIOException e) {
            return Integer.toString(uid);
        }
    }

    @Override
    public Attributes transportReady(Attributes attributes) {
        SocketAddress remote = attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
        Caller caller = remote == null ? null : accepted.get(remote);
        return caller == null
                ? attributes
                : attributes.toBuilder().set(CALLER, caller).build();
    }
}
