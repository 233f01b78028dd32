package dev.ferry.wire;

import dev.ferry.migration.PeerLink;
import java.util.Optional;

/** Makes {@link PeerLink}s over gRPC. */
public final class PeerDialer implements PeerLink.Dialer {
    private final String version;
    private final long connectSeconds;
    private final String threads;
    private final Optional<PeerTls> tls;

    /** @param connectSeconds how long a peer may take to answer the first call */
    public PeerDialer(String version, long connectSeconds, Optional<PeerTls> tls) {
        this(version, connectSeconds, tls, "");
    }

    /** @param threads what its threads' names begin with */
    public PeerDialer(String version, long connectSeconds, Optional<PeerTls> tls, String threads) {
        this.tls = tls;
        this.threads = threads;
        this.version = version;
        this.connectSeconds = connectSeconds;
    }

    @Override
    public PeerLink dial(String peer, long migration, long epoch) {
        return new PeerClient(new PeerChannels(peer, tls, threads), peer, migration, epoch, version, connectSeconds);
    }
}
