package dev.ferry.telemetry;

import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.Side;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.prometheus.metrics.model.snapshots.Unit;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * The metrics of a daemon. Labels have a handful of values that are known beforehand; no guest, migration or peer is one, because
 * a fleet would have no end of them. Every series is there from the start, as zero, so that rates and alerts see the first one too.
 */
final class MetricSet {
    private static final double MS_PER_S = 1000;

    private final String version;
    private final long startedUnixMs;
    private final LongSupplier refusedPeers;
    private final LongSupplier refusedClients;

    /**
     * Those refused for who made them.
     *
     * @param refusedPeers connections and calls at the peer address
     * @param refusedClients likewise at the control addresses
     */
    MetricSet(String version, long startedUnixMs, LongSupplier refusedPeers, LongSupplier refusedClients) {
        this.version = version;
        this.startedUnixMs = startedUnixMs;
        this.refusedPeers = refusedPeers;
        this.refusedClients = refusedClients;
    }

    MetricSnapshots of(Reading r) {
        Totals t = r.totals();
        MetricSnapshots.Builder all = MetricSnapshots.builder();
        all.metricSnapshot(InfoSnapshot.builder()
                .name("ferry_build")
                .help("The version that runs.")
                .dataPoint(InfoSnapshot.InfoDataPointSnapshot.builder()
                        .labels(Labels.of("version", version))
                        .build())
                .build());
        all.metricSnapshot(
                gauge("process_start_time_seconds", "When this ferryd started, since 1970.", startedUnixMs / MS_PER_S));
        migrations(all, r);
        bytes(all, t);
        all.metricSnapshot(bySide(
                "ferry_remaining_bytes",
                "Memory of live migrations that is still to come.",
                side -> r.remainingBytes().getOrDefault(side, 0L)));
        all.metricSnapshot(gauge(
                "ferry_dirty_bytes_per_second",
                "What guests in pre-copy write, in the last round, all together.",
                r.live().stream()
                        .filter(s -> s.side() == Side.SOURCE && s.state() == MigrationState.PRECOPY)
                        .mapToDouble(MigrationSnapshot::dirtyRateBytesPerSecond)
                        .sum()));
        faults(all, r);
        all.metricSnapshot(histogram("ferry_downtime", "From the stop on the source to the resume.", t.downtime));
        all.metricSnapshot(
                histogram("ferry_migration_duration", "Of migrations that left here, to their end.", t.duration));
        troubles(all, r);
        return all.build();
    }

    private static void migrations(MetricSnapshots.Builder all, Reading r) {
        CounterSnapshot.Builder ended = CounterSnapshot.builder()
                .name("ferry_migrations")
                .help("Migrations that have ended, by side of this host and result.");
        GaugeSnapshot.Builder live = GaugeSnapshot.builder()
                .name("ferry_live_migrations")
                .help("Migrations that have not ended, by side of this host and state.");
        for (Side side : Side.values()) {
            for (MigrationState state : MigrationState.values()) {
                if (state.hasEnded()) {
                    ended.dataPoint(count(
                            Labels.of("side", label(side), "result", label(state)),
                            r.totals().sides.get(side).ended.get(state)));
                } else {
                    live.dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
                            .labels(Labels.of("side", label(side), "state", label(state)))
                            .value((double) r.live().stream()
                                    .filter(s -> s.side() == side && s.state() == state)
                                    .count())
                            .build());
                }
            }
        }
        all.metricSnapshot(ended.build()).metricSnapshot(live.build());
    }

    private static void bytes(MetricSnapshots.Builder all, Totals t) {
        CounterSnapshot.Builder bytes = CounterSnapshot.builder()
                .name("ferry_page_bytes")
                .help(
                        "Page data by side and path: the source counts what it sends, the destination what arrives after the"
                                + " switch.");
        for (Side side : Side.values()) {
            for (Totals.Way way : Totals.Way.values()) {
                bytes.dataPoint(count(
                        Labels.of("side", label(side), "path", label(way)),
                        t.sides.get(side).bytes.get(way)));
            }
        }
        all.metricSnapshot(bytes.build());
    }

    private static void faults(MetricSnapshots.Builder all, Reading r) {
        Totals t = r.totals();
        all.metricSnapshot(CounterSnapshot.builder()
                .name("ferry_faults")
                .help(
                        "Faults of guests that arrive here: answered over the network, with a page that was there, with a zero"
                                + " page.")
                .dataPoint(count(Labels.of("kind", "remote"), t.remoteFaults))
                .dataPoint(count(Labels.of("kind", "local"), t.localFaults))
                .dataPoint(count(Labels.of("kind", "zero"), t.zeroFaults))
                .build());
        all.metricSnapshot(gauge(
                "ferry_outstanding_faults", "Faults that wait for a page over the network at this moment.", (double)
                        r.outstandingFaults()));
        all.metricSnapshot(histogram(
                "ferry_fault_latency",
                "Of remote faults, from the fault read to the page placed; to one percent.",
                t.faultLatency));
    }

    private void troubles(MetricSnapshots.Builder all, Reading r) {
        Totals t = r.totals();
        CounterSnapshot.Builder recoveries = CounterSnapshot.builder()
                .name("ferry_recoveries")
                .help("How often a peer was away while a migration needed it, by side.");
        CounterSnapshot.Builder damaged = CounterSnapshot.builder()
                .name("ferry_damaged_messages")
                .help("Messages with a wrong checksum, not placed and fetched again.");
        CounterSnapshot.Builder refused = CounterSnapshot.builder()
                .name("ferry_refused_messages")
                .help("Messages of a peer that broke the protocol.");
        for (Side side : Side.values()) {
            Labels labels = Labels.of("side", label(side));
            recoveries.dataPoint(count(labels, t.sides.get(side).recoveries));
            damaged.dataPoint(count(labels, t.sides.get(side).damaged));
            refused.dataPoint(count(labels, t.sides.get(side).refused));
        }
        all.metricSnapshot(recoveries.build()).metricSnapshot(damaged.build()).metricSnapshot(refused.build());
        all.metricSnapshot(CounterSnapshot.builder()
                .name("ferry_refused_connections")
                .help("Connections and calls that were refused for who made them, by the address that they came to.")
                .dataPoint(count(Labels.of("listener", "peer"), refusedPeers.getAsLong()))
                .dataPoint(count(Labels.of("listener", "control"), refusedClients.getAsLong()))
                .build());
        all.metricSnapshot(CounterSnapshot.builder()
                .name("ferry_lost_pages")
                .help("Pages that were given up and poisoned.")
                .dataPoint(count(Labels.EMPTY, t.lostPages))
                .build());
        all.metricSnapshot(gauge(
                "ferry_stopped_guests",
                "Guests here that the policy of lost pages has stopped and that wait for a human.",
                countOf(r.live(), MigrationSnapshot::guestStopped)));
    }

    private static double countOf(List<MigrationSnapshot> live, Predicate<MigrationSnapshot> which) {
        return (double) live.stream().filter(which).count();
    }

    private static GaugeSnapshot bySide(String name, String help, ToDoubleFunction<Side> value) {
        GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
        for (Side side : Side.values()) {
            gauge.dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
                    .labels(Labels.of("side", label(side)))
                    .value(value.applyAsDouble(side))
                    .build());
        }
        return gauge.build();
    }

    private static GaugeSnapshot gauge(String name, String help, double value) {
        return GaugeSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
                        .value(value)
                        .build())
                .build();
    }

    private static CounterSnapshot.CounterDataPointSnapshot count(Labels labels, long value) {
        return CounterSnapshot.CounterDataPointSnapshot.builder()
                .labels(labels)
                .value((double) Math.max(0, value))
                .build();
    }

    private static HistogramSnapshot histogram(String name, String help, BucketCounts counts) {
        double[] bounds = counts.upperBoundsS();
        long[] each = counts.counts();
        ClassicHistogramBuckets.Builder buckets = ClassicHistogramBuckets.builder();
        for (int i = 0; i < bounds.length; i++) {
            buckets.bucket(bounds[i], each[i]);
        }
        return HistogramSnapshot.builder()
                .name(name + "_seconds")
                .unit(Unit.SECONDS)
                .help(help)
                .dataPoint(HistogramSnapshot.HistogramDataPointSnapshot.builder()
                        .classicHistogramBuckets(buckets.build())
                        .sum(counts.sumS())
                        .build())
                .build();
    }

    private static String label(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
