package dev.ferry.wire;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;

/** A server's context that is another one for each connection, when the certificates have changed meanwhile. */
final class ReloadingSslContext extends SslContext {
    private static final long HANDSHAKE_LIMIT_MS = 5_000;

    private final Supplier<SslContext> current;
    private final Consumer<String> refused;

    /** @param refused told why a handshake has failed, on its event loop */
    ReloadingSslContext(Supplier<SslContext> current, Consumer<String> refused) {
        this.current = current;
        this.refused = refused;
    }

    @Override
    public boolean isClient() {
        return false;
    }

    @Override
    public List<String> cipherSuites() {
        return current.get().cipherSuites();
    }

    @Override
    @SuppressWarnings("deprecation") // Netty's own method has it
    public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
        return current.get().applicationProtocolNegotiator();
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
    protected SslHandler newHandler(ByteBufAllocator allocator, boolean startTls) {
        return watched(current.get().newHandler(allocator));
    }

    @Override
    protected SslHandler newHandler(ByteBufAllocator allocator, boolean startTls, Executor tasks) {
        return watched(current.get().newHandler(allocator, tasks));
    }

    private SslHandler watched(SslHandler handler) {
        handler.setHandshakeTimeoutMillis(HANDSHAKE_LIMIT_MS);
        handler.handshakeFuture().addListener(done -> {
            if (!done.isSuccess()) {
                refused.accept(String.valueOf(done.cause()));
            }
        });
        return handler;
    }

    @Override
    public SSLSessionContext sessionContext() {
        return current.get().sessionContext();
    }
}
