package dev.ferry.client;

import dev.ferry.v1.LatencyHistogram;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.HdrHistogram.Histogram;

/** Latencies as HdrHistogram prints percentiles, in microseconds: its plotter and many others read that. */
final class Hgrm {
    private static final int DIGITS = 3;
    private static final int TICKS_PER_HALF = 5;
    private static final double NS_PER_US = 1000;

    private Hgrm() {}

    static String of(LatencyHistogram latency) {
        Histogram histogram = new Histogram(DIGITS); // grows
        for (int i = 0; i < Math.min(latency.getUpToNsCount(), latency.getCountCount()); i++) {
            histogram.recordValueWithCount(latency.getUpToNs(i), latency.getCount(i));
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        histogram.outputPercentileDistribution(
                new PrintStream(bytes, true, StandardCharsets.UTF_8), TICKS_PER_HALF, NS_PER_US);
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
