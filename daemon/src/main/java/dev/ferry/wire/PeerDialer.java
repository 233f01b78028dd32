package dev.ferry.wire;

import dev.ferry.migration.PeerLink;
import dev.ferry.migration.RetryLimits;

/** Makes {@link PeerLink}s over gRPC. */
public final class PeerDialer implements PeerLink.Dialer {
    private final String version;
    private final long connectSeconds;
    private final String threads;
    private final RetryLimits retryLimits;

    /** @param connectSeconds how long a peer may take to answer the first call */
    public PeerDialer(String version, long connectSeconds) {
        this(version, connectSeconds, "", RetryLimits.DEFAULTS);
    }

    /** @param threads what its threads' names begin with */
    public PeerDialer(String version, long connectSeconds, String threads) {
        this(version, connectSeconds, threads, RetryLimits.DEFAULTS);
    }

    /** @param retryLimits for connections that are lost in pre-copy */
    public PeerDialer(String version, long connectSeconds, String threads, RetryLimits retryLimits) {
        this.threads = threads;
        this.version = version;
        this.connectSeconds = connectSeconds;
        this.retryLimits = retryLimits;
    }

    @Override
    public PeerLink dial(String peer, long migration, long epoch) {
        return new PeerClient(new PeerChannels(threads), peer, migration, epoch, version, connectSeconds);
    }

    @Override
    public RetryLimits retryLimits() {
        return retryLimits;
    }
}
