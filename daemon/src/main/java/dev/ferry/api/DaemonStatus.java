package dev.ferry.api;

import dev.ferry.migration.MoveLimits;
import java.util.List;
import java.util.Optional;

/**
 * What a ferryd says of itself.
 *
 * @param peerAddress HOST:PORT, bound
 * @param tls of connections between daemons; empty: it was said that there is none
 * @param moveLimits how many guests may move at once
 * @param moving how many do
 * @param refused connections and calls of peers, for who made them, since the start
 */
public record DaemonStatus(
        String version,
        String hostName,
        String peerAddress,
        Optional<Tls> tls,
        long refused,
        MoveLimits moveLimits,
        MoveLimits.Taken moving,
        long uptimeNs) {
    /**
     * @param names of this host's certificate
     * @param endsUnixMs when that certificate does
     * @param allowed names of sources; empty: every one of the CA's
     */
    public record Tls(List<String> names, long endsUnixMs, List<String> allowed) {}
}
