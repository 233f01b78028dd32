package dev.ferry.telemetry;

import dev.ferry.migration.MigrationProbe;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.Side;
import java.util.EnumMap;
import java.util.Map;

/** Everything that has been counted since the daemon's start, of migrations that have ended and of those that move. */
final class Totals {
    private static final double NS_PER_S = 1e9;

    /** By which way pages come. The names are labels. */
    enum Way {
        PRECOPY,
        PUSHED,
        DEMAND
    }

    /** How many of each kind, for one side. */
    static final class OfSide {
        final Map<Way, Long> bytes = new EnumMap<>(Way.class);
        final Map<MigrationState, Long> ended = new EnumMap<>(MigrationState.class);
        long recoveries;
        long damaged;
        long refused;
    }

    final Map<Side, OfSide> sides = new EnumMap<>(Side.class);
    final BucketCounts faultLatency;
    final BucketCounts downtime;
    final BucketCounts duration;
    long remoteFaults;
    long localFaults;
    long zeroFaults;
    long lostPages;

    Totals() {
        this(
                new BucketCounts(
                        25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3,
                        500e-3, 1, 2.5, 10),
                new BucketCounts(5e-3, 10e-3, 15e-3, 20e-3, 30e-3, 50e-3, 75e-3, 100e-3, 200e-3, 500e-3, 1, 5, 30),
                new BucketCounts(1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21_600));
        for (Side side : Side.values()) {
            OfSide of = new OfSide();
            for (Way way : Way.values()) {
                of.bytes.put(way, 0L);
            }
            for (MigrationState state : MigrationState.values()) {
                if (state.hasEnded()) {
                    of.ended.put(state, 0L);
                }
            }
            sides.put(side, of);
        }
    }

    private Totals(BucketCounts faultLatency, BucketCounts downtime, BucketCounts duration) {
        this.faultLatency = faultLatency;
        this.downtime = downtime;
        this.duration = duration;
    }

    Totals copy() {
        Totals copy = new Totals(faultLatency.copy(), downtime.copy(), duration.copy());
        sides.forEach((side, of) -> {
            OfSide other = new OfSide();
            other.bytes.putAll(of.bytes);
            other.ended.putAll(of.ended);
            other.recoveries = of.recoveries;
            other.damaged = of.damaged;
            other.refused = of.refused;
            copy.sides.put(side, other);
        });
        copy.remoteFaults = remoteFaults;
        copy.localFaults = localFaults;
        copy.zeroFaults = zeroFaults;
        copy.lostPages = lostPages;
        return copy;
    }

    /** What this daemon has counted of it until now. */
    void add(Track track) {
        MigrationProbe probe = track.probe();
        MigrationSnapshot s = probe.snapshot();
        OfSide of = sides.get(s.side());
        Sample first = track.first();
        Sample last = track.last();
        if (last != null) {
            of.bytes.merge(Way.PRECOPY, last.precopyBytes() - first.precopyBytes(), Long::sum);
            of.bytes.merge(Way.PUSHED, last.pushedBytes() - first.pushedBytes(), Long::sum);
            of.bytes.merge(Way.DEMAND, last.demandBytes() - first.demandBytes(), Long::sum);
        }
        of.recoveries += s.recoveries();
        of.damaged += s.damagedMessages();
        of.refused += s.refusedMessages();
        if (s.side() == Side.DESTINATION) { // both would count the same faults twice
            if (last != null) {
                remoteFaults += last.remoteFaults() - first.remoteFaults();
                localFaults += last.localFaults() - first.localFaults();
            }
            zeroFaults += probe.counting()
                    .map(c -> c.counters().zeroFaults.sum())
                    .orElse(s.postcopy().zeroPages());
            lostPages += s.poisonedPages();
            faultLatency.add(probe.faultLatency());
        }
        if (s.state().hasEnded()) {
            of.ended.merge(s.state(), 1L, Long::sum);
            if (s.side() == Side.SOURCE) {
                duration.add(s.totalNs() / NS_PER_S);
                if (!s.downtimePhases().isEmpty()) {
                    downtime.add(s.downtimeNs() / NS_PER_S);
                }
            }
        }
    }
}
