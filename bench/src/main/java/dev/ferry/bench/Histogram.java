package dev.ferry.bench;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long the guest's own loads took, as it printed it (guest/verify/README.md, HIST). Within a bucket the loads are taken to
 * be spread evenly; a bucket is at most a sixteenth of its value wide.
 *
 * @param maxUs the longest load, exact
 * @param stallSumUs the sum of all loads over 100 µs, exact
 */
record Histogram(List<Bucket> buckets, double maxUs, double stallSumUs) {
    private static final Pattern BUCKET = Pattern.compile("HIST us=([0-9.]+) n=(\\d+)");
    private static final Pattern END = Pattern.compile("HIST end .*maxus=([0-9.]+) stallsumus=([0-9.]+)");
    private static final int SUB_BUCKETS = 16;

    /** @param fromUs lower edge */
    record Bucket(double fromUs, long count) {
        /** The guest's bucket has a power of two of nanoseconds and one of its sixteen parts; below 16 ns it is one wide. */
        double widthUs() {
            long ns = Math.max(SUB_BUCKETS, Math.round(fromUs * 1000));
            return Long.highestOneBit(ns) / (double) SUB_BUCKETS / 1000;
        }
    }

    /** The lines between the key h and HIST end; others among them are ignored. */
    static Histogram parse(List<String> lines) {
        List<Bucket> buckets = new ArrayList<>();
        for (String line : lines) {
            Matcher bucket = BUCKET.matcher(line);
            Matcher end = END.matcher(line);
            if (bucket.matches()) {
                buckets.add(new Bucket(Double.parseDouble(bucket.group(1)), Long.parseLong(bucket.group(2))));
            } else if (end.matches()) {
                return new Histogram(
                        List.copyOf(buckets), Double.parseDouble(end.group(1)), Double.parseDouble(end.group(2)));
            }
        }
        throw new BenchException("no whole histogram in " + lines);
    }

    @JsonIgnore
    long count() {
        return buckets.stream().mapToLong(Bucket::count).sum();
    }

    /**
     * The percentile of the {@code n} slowest loads: the stalls of the remote faults, when n is their number. Not a number
     * when there are none.
     */
    double slowestPercentileUs(long n, double percentile) {
        long slowest = Math.min(n, count());
        if (slowest <= 0) {
            return Double.NaN;
        }
        // The rank from the top: the 100th percentile is the first, the longest of all.
        double rank = Math.max(1, slowest * (1 - percentile / 100));
        return fromTopUs(rank);
    }

    double percentileUs(double percentile) {
        return slowestPercentileUs(count(), percentile);
    }

    private double fromTopUs(double rank) {
        double seen = 0;
        for (int i = buckets.size() - 1; i >= 0; i--) {
            Bucket bucket = buckets.get(i);
            if (seen + bucket.count() >= rank) {
                double into = (rank - seen - 0.5) / bucket.count();
                return Math.min(maxUs, bucket.fromUs() + bucket.widthUs() * (1 - Math.max(0, into)));
            }
            seen += bucket.count();
        }
        return buckets.isEmpty() ? Double.NaN : buckets.get(0).fromUs();
    }
}
