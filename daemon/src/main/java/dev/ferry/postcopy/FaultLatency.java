package dev.ferry.postcopy;

import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

/** Latency of remote faults, from the event read to the page placed. Recording is wait-free and allocates nothing. */
public final class FaultLatency {
    private static final double[] QUANTILES = {50, 90, 99, 99.9};

    /** An hour: a guest may wait that long for a peer. */
    static final long LONGEST_NS = 3_600_000_000_000L;

    private static final int DIGITS = 3;
    private static final int DIGITS_FOR_OTHERS = 2;

    private final ConcurrentHistogram histogram = new ConcurrentHistogram(LONGEST_NS, DIGITS);

    public void record(long ns) {
        histogram.recordValue(Math.max(0, Math.min(ns, LONGEST_NS)));
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

    /** All that was recorded, in coarser steps. Allocates; recorders do not wait for it. */
    public LatencyBuckets buckets() {
        if (count() == 0) {
            return LatencyBuckets.NONE;
        }
        Histogram coarse = new Histogram(LONGEST_NS, DIGITS_FOR_OTHERS);
        for (HistogramIterationValue v : histogram.copy().recordedValues()) {
            coarse.recordValueWithCount(v.getValueIteratedTo(), v.getCountAtValueIteratedTo());
        }
        List<LatencyBuckets.Bucket> all = new ArrayList<>();
        for (HistogramIterationValue v : coarse.recordedValues()) {
            all.add(new LatencyBuckets.Bucket(v.getValueIteratedTo(), v.getCountAtValueIteratedTo()));
        }
        return new LatencyBuckets(all);
    }

    /** An empty histogram of the same shape, for {@link #copyInto}. */
    public static Histogram shape() {
        return new Histogram(LONGEST_NS, DIGITS);
    }

    /** All that was recorded, into one of {@link #shape}. Allocates nothing to speak of; recorders do not wait for it. */
    public void copyInto(Histogram into) {
        histogram.copyInto(into);
    }
}
