package dev.ferry.telemetry;

import dev.ferry.migration.MigrationEvent;
import dev.ferry.migration.MigrationProbe;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.MigrationSnapshot.PostcopyCounts;
import dev.ferry.migration.Side;
import dev.ferry.v1.LatencyHistogram;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Report;
import dev.ferry.v1.ReportEvent;
import dev.ferry.v1.ReportSample;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** One migration as it is recorded. Guarded by the {@link Recorder}. */
final class Track {
    private static final double NS_PER_MS = 1e6;

    /** Where nothing is counted, it is said so now and then all the same. */
    private static final long STILL_NS = TimeUnit.SECONDS.toNanos(1);

    private static final Sample NOTHING =
            new Sample(0, dev.ferry.migration.MigrationState.PREPARING, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /** A daemon that dies takes no more than this with it, ... */
    private static final long SAVE_NS = TimeUnit.SECONDS.toNanos(5);

    /** ... and nearly nothing after a change of state; but one that changes all the time does not keep the disk busy. */
    private static final long SAVE_STATE_NS = TimeUnit.SECONDS.toNanos(1);

    private final MigrationProbe probe;
    private final Series series = new Series();

    /** Of an earlier daemon; their samples are in the series. */
    private final List<ReportEvent> earlierEvents;

    private final int earlierDropped;
    private final Rising precopyBytes;
    private final Rising pushedBytes;
    private final Rising demandBytes;
    private final Rising remoteFaults;
    private final Rising localFaults;
    /** Where an earlier daemon had stopped counting. */
    private final Sample begin;

    private IntervalLatency interval;
    private long savedNs;
    private dev.ferry.migration.MigrationState savedState;

    /** @param earlier what an earlier daemon has recorded of it */
    Track(MigrationProbe probe, Optional<Report> earlier) {
        this.probe = probe;
        Report before = earlier.orElse(Report.getDefaultInstance());
        before.getSamplesList().forEach(s -> series.add(sample(s)));
        this.earlierEvents = before.getEventsList();
        this.earlierDropped = before.getDroppedEvents();
        Sample last = series.last();
        this.begin = last == null ? NOTHING : last;
        // What the destination counts is told to the source, also by the destination's next daemon.
        boolean told = probe.snapshot().side() == Side.SOURCE;
        this.precopyBytes = new Rising(begin.precopyBytes(), false);
        this.pushedBytes = new Rising(begin.pushedBytes(), false);
        this.demandBytes = new Rising(begin.demandBytes(), told);
        this.remoteFaults = new Rising(begin.remoteFaults(), told);
        this.localFaults = new Rising(begin.localFaults(), told);
    }

    MigrationProbe probe() {
        return probe;
    }

    /** Whoever asks and is told so saves it. */
    boolean isWorthSaving(long nowNs) {
        Sample last = series.last();
        boolean isDue = last != null
                && nowNs - savedNs >= (last.state() == savedState ? SAVE_NS : savedState == null ? 0 : SAVE_STATE_NS);
        if (isDue) {
            savedNs = nowNs;
            savedState = last.state();
        }
        return isDue;
    }

    /** Where this daemon began to count. */
    Sample first() {
        return begin;
    }

    /** Null: nothing was counted. */
    Sample last() {
        return series.last();
    }

    boolean hasEnded() {
        return probe.snapshot().state().hasEnded();
    }

    /** Takes a sample if there is something new. */
    void look(long nowNs) {
        MigrationSnapshot s = probe.snapshot();
        Optional<MigrationProbe.Counting> counting = probe.counting();
        long countedNs = counting.isPresent() ? nowNs : probe.countedNs();
        Sample last = series.last();
        long atNs = countedNs - probe.startNs();
        if (last != null && atNs <= last.atNs()) {
            atNs = nowNs - probe.startNs();
            if (last.state() == s.state() && atNs - last.atNs() < STILL_NS) {
                return;
            }
        }
        series.add(sample(s, counting, atNs));
    }

    private Sample sample(MigrationSnapshot s, Optional<MigrationProbe.Counting> counting, long atNs) {
        PostcopyCounts c = s.postcopy();
        long demandPages = counting.map(k -> k.counters().demandPages.sum()).orElse(c.demandPages());
        long demand = demandBytes.read(demandPages * probe.pageBytes());
        long pushedPages = counting.map(k -> k.counters().pushedPages.sum()).orElse(c.pushedPages());
        boolean atSource = s.side() == Side.SOURCE;
        long pushed =
                atSource ? Math.max(0, s.bytesSent() - s.precopy().bytes() - demand) : pushedPages * probe.pageBytes();
        long remote = counting.map(k -> k.counters().remoteFaults.sum()).orElse(c.remoteFaults());
        long local = counting.map(k -> k.counters().localFaults.sum()).orElse(c.localFaults());
        double p50 = 0;
        double p99 = 0;
        if (counting.isPresent()) {
            if (interval == null && counting.get().latency().count() > 0) {
                interval = new IntervalLatency();
            }
            if (interval != null) {
                interval.look(counting.get().latency());
                p50 = interval.p50Us();
                p99 = interval.p99Us();
            }
        } else if (atSource && !s.state().hasEnded()) {
            p50 = c.faultLatency().p50();
            p99 = c.faultLatency().p99();
        }
        boolean counts =
                counting.isPresent() && c.residualPages() > 0 && !s.state().hasEnded();
        long remaining = counts
                ? Math.max(0, c.residualPages() - pushedPages - demandPages) * probe.pageBytes()
                : s.memoryRemainingBytes();
        return new Sample(
                atNs,
                s.state(),
                precopyBytes.read(s.precopy().bytes()),
                pushedBytes.read(pushed),
                demand,
                s.state() == dev.ferry.migration.MigrationState.PRECOPY ? s.dirtyRateBytesPerSecond() : 0,
                remaining,
                remoteFaults.read(remote),
                localFaults.read(local),
                counting.map(k -> Math.max(0, remote - k.latency().count())).orElse(0L),
                p50,
                p99,
                s.recoveries());
    }

    /** @param message the API's form of a snapshot */
    Report report(Function<MigrationSnapshot, Migration> message, String host, String version) {
        MigrationSnapshot now = probe.snapshot();
        Report.Builder report = Report.newBuilder()
                .setMigration(message.apply(now))
                .setPageBytes(probe.pageBytes())
                .setRecordedBy(host)
                .setFerryVersion(version)
                .addAllEvents(earlierEvents)
                .setDroppedEvents(earlierDropped + probe.droppedEvents());
        series.all().forEach(s -> report.addSamples(message(s)));
        probe.events().forEach(e -> report.addEvents(message(e)));
        LatencyHistogram.Builder latency = LatencyHistogram.newBuilder();
        probe.faultLatency()
                .buckets()
                .forEach(b -> latency.addUpToNs(b.upToNs()).addCount(b.count()));
        return report.setFaultLatency(latency).build();
    }

    private static ReportEvent message(MigrationEvent e) {
        return ReportEvent.newBuilder()
                .setAtMs(e.atNs() / NS_PER_MS)
                .setKind(e.kind().name())
                .setState(MigrationState.valueOf(e.state().name()))
                .setText(e.text())
                .setTimes((int) Math.min(e.times(), Integer.MAX_VALUE))
                .build();
    }

    private static ReportSample message(Sample s) {
        return ReportSample.newBuilder()
                .setAtMs(s.atNs() / NS_PER_MS)
                .setState(MigrationState.valueOf(s.state().name()))
                .setPrecopyBytes(s.precopyBytes())
                .setPushedBytes(s.pushedBytes())
                .setDemandBytes(s.demandBytes())
                .setDirtyRateBytesPerSecond(s.dirtyRate())
                .setRemainingBytes(s.remainingBytes())
                .setRemoteFaults(s.remoteFaults())
                .setLocalFaults(s.localFaults())
                .setOutstandingFaults(s.outstandingFaults())
                .setFaultP50Us(s.p50Us())
                .setFaultP99Us(s.p99Us())
                .setRecoveries(s.recoveries())
                .build();
    }

    private static Sample sample(ReportSample m) {
        return new Sample(
                (long) (m.getAtMs() * NS_PER_MS),
                dev.ferry.migration.MigrationState.valueOf(m.getState().name()),
                m.getPrecopyBytes(),
                m.getPushedBytes(),
                m.getDemandBytes(),
                m.getDirtyRateBytesPerSecond(),
                m.getRemainingBytes(),
                m.getRemoteFaults(),
                m.getLocalFaults(),
                m.getOutstandingFaults(),
                m.getFaultP50Us(),
                m.getFaultP99Us(),
                m.getRecoveries());
    }
}
