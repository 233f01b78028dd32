package dev.ferry.net;

import io.grpc.netty.GrpcSslContexts;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.util.List;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSessionContext;

/** A server's context that is another one for each connection, when the certificates have changed meanwhile. */
final class ReloadingSslContext extends SslContext {
    private final Supplier<SslContext> current;
    private final SslContext protocols;

    /** @param current what it throws ends the connection that is about to begin */
    ReloadingSslContext(Supplier<SslContext> current) {
        this.current = current;
        try {
            this.protocols = GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.OPENSSL)
                    .build();
        } catch (SSLException e) {
            throw new IllegalStateException("no TLS in this JVM", e);
        }
    }

    @Override
    public boolean isClient() {
        return false;
    }

    @Override
    public List<String> cipherSuites() {
        return protocols.cipherSuites();
    }

    @Override
    @SuppressWarnings("deprecation") // Netty's own method has it
    public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
        return protocols.applicationProtocolNegotiator();
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator) {
        return current.get().newEngine(allocator);
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator, String peerHost, int peerPort) {
        return current.get().newEngine(allocator, peerHost, peerPort);
    }

    @Override
    public SSLSessionContext sessionContext() {
        return current.get().sessionContext();
    }
}
