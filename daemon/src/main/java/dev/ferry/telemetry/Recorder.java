package dev.ferry.telemetry;

import dev.ferry.base.NanoClock;
import dev.ferry.migration.MigrationProbe;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.Side;
import dev.ferry.v1.Migration;
import dev.ferry.v1.Report;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records every migration of this daemon: ten samples a second, taken from outside, by a thread of its own. It only reads
 * counters that are there anyway; whoever moves pages neither knows of it nor waits for it. Of those that have ended the last
 * {@link #KEPT} are kept, in files. Thread-safe.
 */
public final class Recorder implements AutoCloseable {
    static final int KEPT = 100;

    /** Without their files. */
    private static final int KEPT_IN_MEMORY = 10;

    private static final Logger LOG = LoggerFactory.getLogger(Recorder.class);
    private static final long EVERY_MS = 100;

    private final Supplier<List<MigrationProbe>> probes;
    private final Function<MigrationSnapshot, Migration> message;
    private final String host;
    private final String version;
    private final NanoClock clock;
    private final ReportFiles files;
    private final Map<String, Track> live = new LinkedHashMap<>();

    /** The oldest first. */
    private final LinkedHashMap<String, Report> ended = new LinkedHashMap<>();

    /** Of which nothing new is expected, whether their record is kept still or not. */
    private final Set<String> known = new HashSet<>();

    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("telemetry", true));

    /** Of those that have ended. */
    private final Totals totals = new Totals();

    private boolean closed;

    /**
     * Does nothing yet.
     *
     * @param probes all migrations that are known
     * @param message the API's form of a snapshot
     * @param directory for what outlives the daemon; made when it is needed
     */
    public Recorder(
            Supplier<List<MigrationProbe>> probes,
            Function<MigrationSnapshot, Migration> message,
            String host,
            String version,
            Path directory,
            NanoClock clock) {
        this.probes = probes;
        this.message = message;
        this.host = host;
        this.version = version;
        this.clock = clock;
        this.files = new ReportFiles(directory, KEPT);
    }

    public void start() {
        timer.scheduleWithFixedDelay(
                () -> {
                    try {
                        look();
                    } catch (RuntimeException | Error e) { // a timer does not say that it has ended for one
                        LOG.error("recording the migrations failed, tried again", e);
                    }
                },
                0,
                EVERY_MS,
                TimeUnit.MILLISECONDS);
    }

    /** Takes a sample of all that move. */
    synchronized void look() {
        if (closed) {
            return;
        }
        long nowNs = clock.nanoTime();
        List<MigrationProbe> all = probes.get();
        if (known.size() > all.size()) { // what nobody knows any more does not come again
            known.retainAll(all.stream().map(MigrationProbe::id).collect(Collectors.toSet()));
        }
        for (MigrationProbe probe : all) {
            if (!known.contains(probe.id())) {
                live.computeIfAbsent(probe.id(), id -> new Track(probe, files.read(id)));
            }
        }
        boolean hasEnded = false;
        for (Iterator<Map.Entry<String, Track>> i = live.entrySet().iterator(); i.hasNext(); ) {
            Map.Entry<String, Track> entry = i.next();
            Track track = entry.getValue();
            boolean last = track.hasEnded(); // asked first: nothing may happen between the last look and the end
            track.look(nowNs);
            if (last) {
                i.remove();
                end(entry.getKey(), track);
                hasEnded = true;
            }
        }
        if (hasEnded) {
            files.tidy(live.keySet());
        }
        live.values().stream().filter(t -> t.isWorthSaving(nowNs)).forEach(t -> files.write(report(t)));
    }

    private void end(String id, Track track) {
        Report report = report(track);
        known.add(id);
        totals.add(track);
        ended.remove(id);
        ended.put(id, report);
        if (ended.size() > KEPT_IN_MEMORY) {
            ended.remove(ended.keySet().iterator().next());
        }
        files.write(report);
    }

    private Report report(Track track) {
        return track.report(message, host, version);
    }

    /** As it is now, or was when it ended; also one of an earlier daemon. Empty: there is none, or it is too long ago. */
    public synchronized Optional<Report> report(String id) {
        look();
        Track track = live.get(id);
        if (track != null) {
            return Optional.of(report(track));
        }
        Report kept = ended.get(id);
        return kept == null ? files.read(id) : Optional.of(kept);
    }

    /** What metrics are made of. */
    synchronized Reading reading() {
        look();
        Totals now = totals.copy();
        List<MigrationSnapshot> snapshots = new ArrayList<>();
        long outstanding = 0;
        Map<Side, Long> remaining = new EnumMap<>(Side.class);
        for (Track track : live.values()) {
            now.add(track);
            MigrationSnapshot s = track.probe().snapshot();
            snapshots.add(s);
            Sample last = track.last();
            if (last != null) {
                outstanding += last.outstandingFaults();
                remaining.merge(s.side(), last.remainingBytes(), Long::sum);
            }
        }
        return new Reading(now, snapshots, outstanding, remaining);
    }

    /** Keeps what there is for the next daemon. */
    @Override
    public void close() {
        timer.shutdownNow();
        synchronized (this) {
            if (!closed) {
                look();
                live.values().forEach(t -> files.write(report(t)));
                closed = true;
            }
        }
    }
}
