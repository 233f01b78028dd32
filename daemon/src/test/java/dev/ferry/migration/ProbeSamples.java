package dev.ferry.migration;

import dev.ferry.base.NanoClock;
import dev.ferry.migration.MigrationSnapshot.LatencyUs;
import dev.ferry.migration.MigrationSnapshot.PostcopyCounts;

/** Snapshots for tests of who measures. */
public final class ProbeSamples {
    private static final NanoClock STILL = () -> 0;

    private ProbeSamples() {}

    /** At the destination, with 1000 residual pages. */
    public static MigrationSnapshot snapshot(String id, MigrationState state) {
        return new MigrationRecord(STILL, 0, f -> {
                    f.id = id;
                    f.guest = "g1";
                    f.state = state;
                    f.side = Side.DESTINATION;
                    f.runsOn = Side.DESTINATION;
                    f.memoryTotalBytes = 1 << 30;
                    f.postcopy = new PostcopyCounts(1, 1000, 0, 0, 0, 0, 0, LatencyUs.NONE);
                })
                .snapshot();
    }
}
