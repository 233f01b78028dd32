package dev.ferry.bench;

import java.util.Collection;
import java.util.function.ToDoubleFunction;

/** What is said about several runs. */
final class Statistics {
    private Statistics() {}

    /** The middle one, or the mean of the middle two; those that are not a number do not count. */
    static double median(double... values) {
        double[] sorted = java.util.Arrays.stream(values)
                .filter(v -> !Double.isNaN(v))
                .sorted()
                .toArray();
        int n = sorted.length;
        return n == 0 ? Double.NaN : (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    }

    static <T> double median(Collection<T> runs, ToDoubleFunction<T> value) {
        return median(runs.stream().mapToDouble(value).toArray());
    }
}
