package dev.ferry.client;

import dev.ferry.v1.LatencyUs;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Phase;
import dev.ferry.v1.Postcopy;
import dev.ferry.v1.Precopy;
import dev.ferry.v1.Side;
import java.util.Locale;
import java.util.stream.Collectors;

/** A migration in words. */
final class Text {
    private Text() {}

    static String bytes(double n) {
        String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
        double v = n;
        int u = 0;
        while (v >= 1024 && u < units.length - 1) {
            v /= 1024;
            u++;
        }
        return String.format(Locale.ROOT, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
    }

    static String bytes(long n) {
        return bytes((double) n);
    }

    static String ms(double n) {
        return String.format(Locale.ROOT, n < 100 ? "%.2f ms" : "%.0f ms", n);
    }

    static String us(double n) {
        return n >= 10_000 ? ms(n / 1000) : String.format(Locale.ROOT, "%.0f µs", n);
    }

    static boolean ended(Migration m) {
        return m.getState() == MigrationState.COMPLETED
                || m.getState() == MigrationState.CANCELLED
                || m.getState() == MigrationState.FAILED;
    }

    /** Where the guest is, as a sentence. */
    static String whereabouts(Migration m) {
        if (m.getRunsOn() != Side.SOURCE && m.getRunsOn() != Side.DESTINATION) {
            return "where guest " + m.getGuest() + " is, ferryd does not say";
        }
        boolean away = m.getRunsOn() == Side.DESTINATION;
        String host = away == (m.getSide() == Side.SOURCE) ? m.getPeer() : "this host";
        return "guest " + m.getGuest() + " is on the " + (away ? "destination" : "source") + " (" + host + ")";
    }

    static String progress(Migration m) {
        LatencyUs l = m.getPostcopy().getFaultLatencyUs();
        StringBuilder line = new StringBuilder();
        line.append(String.format(
                Locale.ROOT,
                "%-10s %5.1f s  sent %s  %s/s",
                m.getState(),
                m.getTotalMs() / 1000,
                bytes(m.getBytesSent()),
                bytes(m.getRateBytesPerSecond())));
        line.append("  dirty ").append(bytes(m.getDirtyRateBytesPerSecond())).append("/s");
        line.append("  remaining ").append(bytes(m.getMemoryRemainingBytes()));
        if (m.getPrecopy().getRounds() > 0 && m.getRunsOn() == Side.SOURCE) {
            line.append("  round ").append(m.getPrecopy().getRounds());
        }
        if (m.getRunsOn() == Side.DESTINATION) {
            line.append("  faults ").append(m.getPostcopy().getRemoteFaults());
            line.append("  p50 ").append(us(l.getP50())).append(" p99 ").append(us(l.getP99()));
        }
        if (m.getState() == MigrationState.RECOVERING) {
            line.append("  ").append(m.getReason());
        }
        return line.toString();
    }

    static String summary(Migration m) {
        Precopy pre = m.getPrecopy();
        Postcopy post = m.getPostcopy();
        LatencyUs l = post.getFaultLatencyUs();
        StringBuilder out = new StringBuilder();
        line(out, "Migration", m.getId() + " of guest " + m.getGuest() + ": " + m.getState());
        line(out, "Guest", whereabouts(m));
        line(out, "Why", m.getError().isEmpty() ? m.getReason() : m.getError());
        if (m.getDowntimePhasesCount() > 0) {
            line(
                    out,
                    "Downtime",
                    ms(m.getDowntimeMs()) + " = "
                            + m.getDowntimePhasesList().stream()
                                    .map(Text::phase)
                                    .collect(Collectors.joining(" + ")));
        }
        line(
                out,
                "Total",
                ms(m.getTotalMs()) + ", " + bytes(m.getBytesSent()) + " sent of " + bytes(m.getMemoryTotalBytes()));
        line(
                out,
                "Pre-copy",
                pre.getRounds() + " rounds, " + pre.getPages() + " pages, " + pre.getZeroPages() + " zero pages, "
                        + ms(pre.getMs()) + (pre.getStopReason().isEmpty() ? "" : ", ended: " + pre.getStopReason()));
        if (m.getRunsOn() == Side.DESTINATION) {
            line(
                    out,
                    "Post-copy",
                    ms(post.getMs()) + ", " + post.getResidualPages() + " pages were missing: " + post.getPushedPages()
                            + " pushed, " + post.getDemandPages() + " on demand");
            line(
                    out,
                    "Faults",
                    post.getRemoteFaults() + " remote, " + post.getLocalFaults() + " local, " + post.getZeroPages()
                            + " zero");
            line(
                    out,
                    "Latency",
                    "p50 " + us(l.getP50()) + ", p90 " + us(l.getP90()) + ", p99 " + us(l.getP99()) + ", p99.9 "
                            + us(l.getP999()) + ", max " + us(l.getMax()) + " of " + l.getCount() + " remote faults");
            line(out, "Recoveries", Integer.toString(m.getRecoveries()));
        }
        return out.toString();
    }

    private static String phase(Phase p) {
        return p.getName() + " " + String.format(Locale.ROOT, "%.2f", p.getMs());
    }

    private static void line(StringBuilder out, String name, String value) {
        out.append(String.format(Locale.ROOT, "%-11s %s%n", name + ":", value));
    }
}
