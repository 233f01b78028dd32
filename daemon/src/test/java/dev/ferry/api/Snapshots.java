package dev.ferry.api;

import dev.ferry.migration.Forecast;
import dev.ferry.migration.Limits;
import dev.ferry.migration.LostPagePolicy;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.MigrationSnapshot.LatencyUs;
import dev.ferry.migration.MigrationSnapshot.PostcopyCounts;
import dev.ferry.migration.MigrationSnapshot.PrecopyCounts;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.PhaseTime;
import dev.ferry.migration.Side;
import java.util.List;

/** Snapshots for tests: every field different. */
final class Snapshots {
    static final String ID = "00000000000000a1";

    private Snapshots() {}

    static MigrationSnapshot of(String id, String guest, MigrationState state, long version, long startedUnixMs) {
        return new MigrationSnapshot(
                version,
                id,
                guest,
                state,
                Side.DESTINATION,
                Side.SOURCE,
                "[::1]:7420",
                "because",
                "an error",
                "req",
                7,
                List.of(new PhaseTime("stop", 1_100_000), new PhaseTime("dirty sync", 2_300_000)),
                9_000_000_000L,
                startedUnixMs,
                new PrecopyCounts(3, 11, 12, 13, 14_000_000, "rule"),
                new PostcopyCounts(15_000_000, 16, 17, 18, 19, 20, 21, new LatencyUs(1, 2, 3, 4, 5, 6)),
                2,
                22,
                1000,
                400,
                23.5,
                24.5,
                true,
                25,
                new Limits(26, 27),
                new Forecast(28_000_000, 29_000_000),
                new LostPagePolicy(LostPagePolicy.Action.STOP, 30_000_000_000L),
                true,
                31,
                32,
                33_000_000,
                "00000000000000aa",
                34_000_000,
                true,
                "AN_ERROR");
    }

    static MigrationSnapshot of(MigrationState state, long version) {
        return of(ID, "g1", state, version, 1_700_000_000_000L);
    }
}
