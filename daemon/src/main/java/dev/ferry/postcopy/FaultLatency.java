package dev.ferry.postcopy;

import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

/** Latency of remote faults, from the event read to the page placed. Recording is wait-free and allocates nothing. */
public final class FaultLatency {
    private static final double[] QUANTILES = {50, 90, 99, 99.9};

    /** Up to an hour: a guest may wait that long for a peer. */
    private final ConcurrentHistogram histogram = new ConcurrentHistogram(3_600_000_000_000L, 3);

    public void record(long ns) {
        histogram.recordValue(Math.max(0, Math.min(ns, 3_600_000_000_000L)));
    }

    /** p50, p90, p99, p99.9, max, in microseconds; all 0 when nothing was recorded. In one pass over the buckets. */
    public double[] quantilesUs() {
        double[] us = new double[QUANTILES.length + 1];
        if (histogram.getTotalCount() == 0) {
            return us;
        }
        Histogram h = histogram.copy();
        us[QUANTILES.length] = h.getMaxValue() / 1e3;
        int next = 0;
        for (HistogramIterationValue bucket : h.recordedValues()) {
            while (next < QUANTILES.length && bucket.getPercentile() >= QUANTILES[next]) {
                us[next++] = Math.min(bucket.getValueIteratedTo(), h.getMaxValue()) / 1e3;
            }
        }
        return us;
    }

    public long count() {
        return histogram.getTotalCount();
    }
}
