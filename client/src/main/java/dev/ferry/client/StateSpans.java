package dev.ferry.client;

import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Report;
import dev.ferry.v1.ReportEvent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** In which state a migration was from when to when. */
final class StateSpans {
    record Span(MigrationState state, double fromMs, double toMs) {
        double ms() {
            return toMs - fromMs;
        }
    }

    private StateSpans() {}

    /** Rising, without the state in which it ended. */
    static List<Span> of(Report report) {
        double endMs = endMs(report);
        List<Span> all = new ArrayList<>();
        MigrationState state = null;
        double fromMs = 0;
        for (ReportEvent e : report.getEventsList()) {
            if (!e.getKind().equals("STATE")) {
                continue;
            }
            double atMs = Math.min(endMs, Math.max(fromMs, e.getAtMs()));
            if (state != null) {
                all.add(new Span(state, fromMs, atMs));
            }
            state = e.getState();
            fromMs = atMs;
        }
        if (state != null && fromMs < endMs && !hasEnded(state)) {
            all.add(new Span(state, fromMs, endMs));
        }
        return all;
    }

    /** In the order in which they came first. */
    static Map<MigrationState, Double> sums(List<Span> spans) {
        Map<MigrationState, Double> sums = new LinkedHashMap<>();
        spans.forEach(s -> sums.merge(s.state(), s.ms(), Double::sum));
        return sums;
    }

    static double endMs(Report report) {
        double ms = report.getMigration().getTotalMs();
        int samples = report.getSamplesCount();
        if (!hasEnded(report.getMigration().getState()) && samples > 0) {
            ms = Math.max(ms, report.getSamples(samples - 1).getAtMs());
        }
        return Math.max(1, ms);
    }

    static boolean hasEnded(MigrationState state) {
        return switch (state) {
            case COMPLETED, CANCELLED, FAILED -> true;
            case PREPARING, PRECOPY, SWITCHOVER, POSTCOPY, RECOVERING, MIGRATION_STATE_UNSPECIFIED, UNRECOGNIZED ->
                false;
        };
    }
}
