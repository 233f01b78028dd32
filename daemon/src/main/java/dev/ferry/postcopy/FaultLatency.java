package dev.ferry.postcopy;

import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/** Latency of remote faults, from the event read to the page placed. Recording is wait-free and allocates nothing. */
public final class FaultLatency {
    /** Up to an hour: a guest may wait that long for a peer. */
    private final ConcurrentHistogram histogram = new ConcurrentHistogram(3_600_000_000_000L, 3);

    public void record(long ns) {
        histogram.recordValue(Math.max(0, Math.min(ns, 3_600_000_000_000L)));
    }

    /** p50, p90, p99, p99.9, max, in microseconds; all 0 when nothing was recorded. */
    public double[] quantilesUs() {
        Histogram h = histogram.copy();
        if (h.getTotalCount() == 0) {
            return new double[5];
        }
        return new double[] {
            h.getValueAtPercentile(50) / 1e3,
            h.getValueAtPercentile(90) / 1e3,
            h.getValueAtPercentile(99) / 1e3,
            h.getValueAtPercentile(99.9) / 1e3,
            h.getMaxValue() / 1e3
        };
    }

    public long count() {
        return histogram.getTotalCount();
    }
}
