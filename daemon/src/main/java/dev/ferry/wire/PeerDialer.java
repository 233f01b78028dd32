package dev.ferry.wire;

import dev.ferry.migration.PeerLink;
import dev.ferry.migration.RetryLimits;
import java.util.Optional;

/** Makes {@link PeerLink}s over gRPC. */
public final class PeerDialer implements PeerLink.Dialer {
    private final String version;
    private volatile long connectSeconds;
    private final String threads;
    private volatile RetryLimits retryLimits;
    private final Optional<PeerTls> tls;

    /** @param connectSeconds how long a peer may take to answer the first call */
    public PeerDialer(String version, long connectSeconds, Optional<PeerTls> tls) {
        this(version, connectSeconds, "", RetryLimits.DEFAULTS, tls);
    }

    /**
     * @param threads what its threads' names begin with
     * @param retryLimits for connections that are lost in pre-copy
     * @param tls empty: without
     */
    public PeerDialer(
            String version, long connectSeconds, String threads, RetryLimits retryLimits, Optional<PeerTls> tls) {
        this.retryLimits = retryLimits;
        this.tls = tls;
        this.threads = threads;
        this.version = version;
        this.connectSeconds = connectSeconds;
    }

    /** For connections that are made from now on. */
    public void limits(long connectSeconds, RetryLimits retryLimits) {
        this.connectSeconds = connectSeconds;
        this.retryLimits = retryLimits;
    }

    @Override
    public PeerLink dial(String peer, long migration, long epoch) {
        return new PeerClient(new PeerChannels(tls, threads), peer, migration, epoch, version, connectSeconds);
    }

    @Override
    public RetryLimits retryLimits() {
        return retryLimits;
    }
}
