package dev.ferry.migration;

import dev.ferry.base.NanoClock;
import dev.ferry.precopy.Pacer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bandwidth limits of a migration that leaves. The pacers belong to the migration's thread and last as long as the
 * migration, through reconnections; any thread may change their rates.
 */
final class SourceLimits {
    private static final Logger LOG = LoggerFactory.getLogger(SourceLimits.class);

    private final MigrationRecord record;
    private final Pacer precopy;
    private final Pacer postcopy;
    private Limits limits;

    SourceLimits(Limits first, MigrationRecord record, NanoClock clock) {
        this.record = record;
        this.limits = first;
        this.precopy = new Pacer(clock, first.bandwidthBytesPerSecond());
        this.postcopy = new Pacer(clock, first.postcopyBandwidthBytesPerSecond());
    }

    Pacer precopy() {
        return precopy;
    }

    Pacer postcopy() {
        return postcopy;
    }

    /** The phase under way follows at once, a later one begins with it. False: the migration has ended. */
    synchronized boolean change(Limits.Change change) {
        if (record.state().hasEnded()) {
            return false;
        }
        Limits next = change.over(limits);
        limits = next;
        precopy.setBytesPerSecond(next.bandwidthBytesPerSecond());
        postcopy.setBytesPerSecond(next.postcopyBandwidthBytesPerSecond());
        record.update(f -> f.limits = next);
        LOG.info(
                "migration {}: pre-copy at most {} bytes/s, background push {} (0: no limit)",
                record.snapshot().id(),
                next.bandwidthBytesPerSecond(),
                next.postcopyBandwidthBytesPerSecond());
        return true;
    }
}
