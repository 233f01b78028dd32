package dev.ferry.daemon;

import dev.ferry.api.ControlRoles;
import dev.ferry.migration.MoveLimits;
import dev.ferry.migration.Policy;
import dev.ferry.migration.RetryLimits;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that the configuration file says, checked.
 *
 * @param name how this host names itself to peers
 * @param stateDir what outlives the host: which guests there are
 * @param runtimeDir what outlives the daemon but not the host: journals, sockets, lock; on tmpfs
 * @param control the API
 * @param peer where other daemons reach this one
 * @param tls between daemons, and of control over TCP; empty: it was said that there is none
 * @param retryLimits for connections that are lost in pre-copy
 * @param moveLimits how many guests may move at once
 * @param policy of migrations that do not say otherwise
 * @param metrics where Prometheus may read them; empty: nowhere
 * @param logLevel as logback names it
 */
record Config(
        String name,
        Path stateDir,
        Path runtimeDir,
        Control control,
        InetSocketAddress peer,
        Optional<Tls> tls,
        Guests guests,
        Policy policy,
        MoveLimits moveLimits,
        Optional<InetSocketAddress> metrics,
        long connectTimeoutSeconds,
        RetryLimits retryLimits,
        String logLevel) {

    /**
     * The API.
     *
     * @param listen as {@link dev.ferry.api.ListenAddress#control} reads them
     * @param roles of its callers
     */
    record Control(List<String> listen, ControlRoles roles, Path auditLog) {}

    /** @see dev.ferry.wire.PeerTls */
    record Tls(Path ca, Path certificate, Path key, List<String> allow) {}

    /** @see dev.ferry.qemu.HostProfile */
    record Guests(Path ramDir, String emulator, String user, Map<String, String> values, Map<String, String> paths) {}
}
