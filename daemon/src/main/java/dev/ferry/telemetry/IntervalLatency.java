package dev.ferry.telemetry;

import dev.ferry.postcopy.FaultLatency;
import org.HdrHistogram.Histogram;

/** The latencies since the last look. One thread; allocates in the beginning only. */
final class IntervalLatency {
    private static final double NS_PER_US = 1000;

    private Histogram before = FaultLatency.shape();
    private Histogram now = FaultLatency.shape();
    private final Histogram between = FaultLatency.shape();
    private double p50Us;
    private double p99Us;

    void look(FaultLatency latency) {
        if (latency.count() == before.getTotalCount()) {
            p50Us = 0;
            p99Us = 0;
            return;
        }
        latency.copyInto(now);
        now.copyInto(between);
        between.subtract(before);
        p50Us = between.getValueAtPercentile(50) / NS_PER_US;
        p99Us = between.getValueAtPercentile(99) / NS_PER_US;
        Histogram old = before;
        before = now;
        now = old;
    }

    double p50Us() {
        return p50Us;
    }

    double p99Us() {
        return p99Us;
    }
}
