package dev.ferry.client;

import dev.ferry.v1.ReportSample;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Counters of samples as rates over time. */
final class SampleRates {
    /** The source counts every 100 ms: shorter would show the beat of it. */
    static final double COUNTED_MS = 250;

    /** What the destination tells the source comes about five times a second. */
    static final double TOLD_MS = 700;

    private static final double SHORTEST_MS = 250;

    private static final double WINDOWS = 150;
    private static final double MS_PER_S = 1000;

    private SampleRates() {}

    /** A second, over a window around each sample, of this length or longer. */
    static List<Plot.Point> of(
            List<ReportSample> samples, double leastMs, double endMs, ToDoubleFunction<ReportSample> counter) {
        double halfMs = Math.max(leastMs, endMs / WINDOWS) / 2;
        List<Plot.Point> points = new ArrayList<>();
        int from = 0;
        int to = 0;
        for (ReportSample at : samples) {
            while (samples.get(from).getAtMs() < at.getAtMs() - halfMs) {
                from++;
            }
            while (to + 1 < samples.size() && samples.get(to).getAtMs() < at.getAtMs() + halfMs) {
                to++;
            }
            ReportSample first = samples.get(from > 0 ? from - 1 : 0);
            ReportSample last = samples.get(to);
            double ms = Math.max(SHORTEST_MS, last.getAtMs() - first.getAtMs());
            double rate = (counter.applyAsDouble(last) - counter.applyAsDouble(first)) * MS_PER_S / ms;
            points.add(new Plot.Point(at.getAtMs(), Math.max(0, rate)));
        }
        return points;
    }

    static List<Plot.Point> plain(List<ReportSample> samples, ToDoubleFunction<ReportSample> value) {
        return samples.stream()
                .map(s -> new Plot.Point(s.getAtMs(), value.applyAsDouble(s)))
                .toList();
    }

    static List<Plot.Point> plus(List<Plot.Point> lower, List<Plot.Point> more) {
        List<Plot.Point> sum = new ArrayList<>();
        for (int i = 0; i < lower.size(); i++) {
            sum.add(new Plot.Point(
                    lower.get(i).x(), lower.get(i).y() + more.get(i).y()));
        }
        return sum;
    }

    static double most(List<Plot.Point> points) {
        return points.stream().mapToDouble(Plot.Point::y).max().orElse(0);
    }
}
