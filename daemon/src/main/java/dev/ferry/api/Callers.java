package dev.ferry.api;

import dev.ferry.net.Remote;
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
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Knows who is at the other end of each control connection: over a unix socket SO_PEERCRED, unix(7), as it was when the connection was
 * made; over TCP the certificate. gRPC does not show a connection's channel, but its remote address, the very object: by that the
 * credentials are found again. Thread-safe.
 */
final class Callers extends ServerTransportFilter {
    /** Of every call. */
    static final Attributes.Key<Caller> CALLER = Attributes.Key.create("ferry-caller");

    private final boolean needsCertificates;
    private final Map<SocketAddress, Caller> users = Collections.synchronizedMap(new IdentityHashMap<>());

    /** @param needsCertificates whether who comes over TCP has to prove who it is */
    Callers(boolean needsCertificates) {
        this.needsCertificates = needsCertificates;
    }

    /** @param listening for unix sockets; each connection goes through here before anything is read from it */
    <C extends Channel> C watch(C listening) {
        listening.pipeline().addFirst(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object child) {
                EpollDomainSocketChannel connection = (EpollDomainSocketChannel) child;
                SocketAddress remote = connection.remoteAddress();
                users.put(remote, of(connection));
                connection.closeFuture().addListener(closed -> users.remove(remote));
                context.fireChannelRead(child);
            }
        });
        return listening;
    }

    private static Caller of(EpollDomainSocketChannel connection) {
        try {
            PeerCredentials credentials = connection.peerCredentials();
            return new Caller.User(Users.name(credentials.uid()), credentials.uid(), credentials.pid());
        } catch (IOException e) {
            throw new UncheckedIOException("SO_PEERCRED", e);
        }
    }

    @Override
    public Attributes transportReady(Attributes attributes) {
        Remote remote = attributes.get(Remote.KEY);
        Caller caller = remote == null ? user(attributes) : overTcp(remote);
        return caller == null
                ? attributes
                : attributes.toBuilder().set(CALLER, caller).build();
    }

    private Caller user(Attributes attributes) {
        SocketAddress remote = attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
        return remote == null ? null : users.get(remote);
    }

    private Caller overTcp(Remote remote) {
        if (remote.isProven()) {
            return new Caller.Client(remote.names(), remote.address());
        }
        return needsCertificates ? null : new Caller.Anybody(remote.address());
    }
}
