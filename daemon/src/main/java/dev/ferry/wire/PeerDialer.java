package dev.ferry.wire;

import dev.ferry.migration.PeerLink;

/** Makes {@link PeerLink}s over gRPC. */
public final class PeerDialer implements PeerLink.Dialer {
    private final String version;
    private final long connectSeconds;
    private final String threads;

    /** @param connectSeconds how long a peer may take to answer the first call */
    public PeerDialer(String version, long connectSeconds) {
        this(version, connectSeconds, "");
    }

    /** @param threads what its threads' names begin with */
    public PeerDialer(String version, long connectSeconds, String threads) {
        this.threads = threads;
        this.version = version;
        this.connectSeconds = connectSeconds;
    }

    @Override
    public PeerLink dial(String peer, long migration, long epoch) {
        return new PeerClient(new PeerChannels(peer, threads), peer, migration, epoch, version, connectSeconds);
    }
}
