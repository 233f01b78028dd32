package dev.ferry.client;

import dev.ferry.v1.LatencyUs;
import dev.ferry.v1.LostPagePolicy;
import dev.ferry.v1.Migration;
import dev.ferry.v1.Phase;
import dev.ferry.v1.Postcopy;
import dev.ferry.v1.Precopy;
import java.util.Locale;

/** One migration in full: the result of {@code migrate --wait} and {@code watch}, and what {@code show} shows. */
final class Summary {
    /** Microseconds in a millisecond: downtime is shown to the microsecond. */
    private static final double STEPS_PER_MS = 1000;

    private static final double MS_PER_SECOND = 1000;

    private final Migration m;
    private final Fields fields = new Fields();

    private Summary(Migration migration) {
        m = migration;
    }

    static String of(Migration migration) {
        return new Summary(migration).text();
    }

    private String text() {
        fields.add("migration", m.getId());
        fields.add("guest", m.getGuest());
        fields.add("state", state());
        if (!m.getNext().isEmpty()) {
            fields.add("next", m.getNext());
        }
        fields.add("runs on", Whereabouts.of(m));
        if (!m.getError().isEmpty()) {
            fields.add("error", m.getError());
        }
        downtime();
        precopy(m.getPrecopy());
        postcopy(m.getPostcopy());
        if (!Whereabouts.hasEnded(m)) {
            fields.add(
                    "remaining",
                    Units.bytes(m.getMemoryRemainingBytes()) + " of " + Units.bytes(m.getMemoryTotalBytes()));
        }
        limits();
        lostPages();
        fields.add("sent", Units.bytes(m.getBytesSent()));
        if (m.getRecoveries() > 0) {
            fields.add("recoveries", String.valueOf(m.getRecoveries()));
        }
        fields.add("total", Units.duration(m.getTotalMs()));
        return fields.toString();
    }

    private String state() {
        return m.getState()
                + (Whereabouts.hasEnded(m) || m.getStateMs() == 0 ? "" : " for " + Units.duration(m.getStateMs()))
                + (m.getReason().isEmpty() ? "" : ": " + m.getReason());
    }

    /** Only where they still mean something, and only if there are any. */
    private void limits() {
        if (Whereabouts.hasEnded(m)
                || (m.getBandwidthBytesPerSecond() == 0 && m.getPostcopyBandwidthBytesPerSecond() == 0)) {
            return;
        }
        fields.add(
                "limits",
                "pre-copy " + limit(m.getBandwidthBytesPerSecond()) + ", background push "
                        + limit(m.getPostcopyBandwidthBytesPerSecond()));
    }

    /** What is worth a look: a policy that does something, and what it did. */
    private void lostPages() {
        if (!Whereabouts.hasEnded(m)
                && (m.getLostPagePolicy() == LostPagePolicy.STOP || m.getLostPagePolicy() == LostPagePolicy.POISON)) {
            fields.add(
                    "lost pages",
                    m.getLostPagePolicy().name().toLowerCase(Locale.ROOT) + " after "
                            + Units.duration(m.getLostPageLimitSeconds() * MS_PER_SECOND)
                            + " without the source"
                            + (m.getGuestStopped() ? "; the guest is stopped" : ""));
        }
        if (m.getPoisonedPages() > 0) {
            fields.add("poisoned", m.getPoisonedPages() + " pages");
        }
        if (m.getDamagedMessages() > 0) {
            fields.add("damaged", m.getDamagedMessages() + " messages, fetched again");
        }
    }

    private static String limit(long bytesPerSecond) {
        return bytesPerSecond == 0 ? "none" : Units.rate((double) bytesPerSecond);
    }

    /**
     * Rounds where the phases meet, not each phase, so that what is shown adds up to what is shown. What no phase claims
     * is shown too.
     */
    private void downtime() {
        if (m.getDowntimePhasesCount() == 0) {
            return;
        }
        double sumMs =
                m.getDowntimePhasesList().stream().mapToDouble(Phase::getMs).sum();
        // A sum of doubles is a little off; that is no time which a phase forgot.
        boolean addsUp = Math.abs(sumMs - m.getDowntimeMs()) * STEPS_PER_MS < 1;
        long totalUs = Math.round((addsUp ? sumMs : m.getDowntimeMs()) * STEPS_PER_MS);
        int widest = m.getDowntimePhasesList().stream()
                .mapToInt(p -> p.getName().length() + 2)
                .max()
                .orElse(0);
        fields.add(padded("downtime", widest), ms(totalUs));
        double untilMs = 0;
        long shownUs = 0;
        for (Phase phase : m.getDowntimePhasesList()) {
            untilMs += phase.getMs();
            long untilUs = Math.round(untilMs * STEPS_PER_MS);
            fields.add(padded("  " + phase.getName(), widest), ms(untilUs - shownUs));
            shownUs = untilUs;
        }
        if (!addsUp) {
            fields.add(padded("  (no phase)", widest), ms(totalUs - shownUs));
        }
        if (m.hasPredictedDowntimeMs()) {
            fields.add(
                    "predicted",
                    "downtime " + Units.duration(m.getPredictedDowntimeMs()) + ", post-copy "
                            + Units.duration(m.getPredictedPostcopyMs()));
        }
    }

    /** So that the numbers stand below each other, however long a name is. */
    private static String padded(String name, int widest) {
        return name + " ".repeat(Math.max(0, widest - name.length()));
    }

    private static String ms(long us) {
        return Units.format("%10.3f ms", us / STEPS_PER_MS);
    }

    private void precopy(Precopy p) {
        if (p.getRounds() == 0) {
            return;
        }
        fields.add(
                "pre-copy",
                (p.getRounds() == 1 ? "1 round, " : p.getRounds() + " rounds, ")
                        + Units.bytes(p.getBytes()) + " in " + Units.duration(p.getMs())
                        + (p.getStopReason().isEmpty() ? "" : "; ended: " + p.getStopReason()));
    }

    private void postcopy(Postcopy p) {
        if (p.getMs() > 0) {
            fields.add("post-copy", p.getResidualPages() + " residual pages in " + Units.duration(p.getMs()));
        }
        fields.add(
                "pages",
                m.getPrecopy().getPages() + " pre-copy (and " + m.getPrecopy().getZeroPages() + " zero), "
                        + p.getPushedPages() + " pushed, " + p.getDemandPages() + " on demand, " + p.getZeroPages()
                        + " zero on the spot");
        if (p.getRemoteFaults() + p.getLocalFaults() > 0) {
            fields.add("faults", p.getRemoteFaults() + " remote, " + p.getLocalFaults() + " local");
        }
        LatencyUs l = p.getFaultLatencyUs();
        if (l.getCount() > 0) {
            fields.add(
                    "fault latency",
                    "p50 " + Units.micros(l.getP50()) + ", p90 " + Units.micros(l.getP90()) + ", p99 "
                            + Units.micros(l.getP99()) + ", p99.9 " + Units.micros(l.getP999()) + ", max "
                            + Units.micros(l.getMax()));
        }
    }
}
