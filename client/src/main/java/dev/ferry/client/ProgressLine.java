package dev.ferry.client;

import dev.ferry.v1.LatencyUs;
import dev.ferry.v1.Migration;
import dev.ferry.v1.Postcopy;

/** A migration under way, as one line. */
final class ProgressLine {
    private static final double MS_PER_S = 1000;

    private ProgressLine() {}

    static String of(Migration m) {
        StringBuilder line = new StringBuilder(Units.format("%6.1fs  %-10s", m.getTotalMs() / MS_PER_S, m.getState()));
        line.append("  sent ").append(Units.bytes(m.getBytesSent()));
        line.append("  rate ").append(Units.rate(m.getRateBytesPerSecond()));
        line.append("  dirty ").append(Units.rate(m.getDirtyRateBytesPerSecond()));
        line.append("  remaining ").append(Units.bytes(m.getMemoryRemainingBytes()));
        Postcopy p = m.getPostcopy();
        if (p.getRemoteFaults() + p.getLocalFaults() > 0) {
            line.append("  faults ").append(p.getRemoteFaults()).append(" remote ");
            line.append(p.getLocalFaults()).append(" local");
        }
        LatencyUs l = p.getFaultLatencyUs();
        if (l.getCount() > 0) {
            line.append("  p50 ").append(Units.micros(l.getP50()));
            line.append("  p99 ").append(Units.micros(l.getP99()));
        }
        return line.toString();
    }
}
