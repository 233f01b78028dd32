package dev.ferry.telemetry;

import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.Side;
import java.util.List;
import java.util.Map;

/**
 * All that metrics are made of, at one moment.
 *
 * @param live snapshots of those that move
 * @param outstandingFaults of all of them
 * @param remainingBytes likewise, by the side of this host; none: 0
 */
record Reading(Totals totals, List<MigrationSnapshot> live, long outstandingFaults, Map<Side, Long> remainingBytes) {}
