package dev.ferry.telemetry;

import dev.ferry.postcopy.LatencyBuckets;

/** A histogram with bounds that never change, as Prometheus wants one, in seconds. Guarded by whoever owns it. */
final class BucketCounts {
    private static final double NS_PER_S = 1e9;

    private final double[] boundsS;
    private final long[] counts;
    private double sumS;

    /** @param boundsS rising; the last bucket, above all of them, comes by itself */
    BucketCounts(double... boundsS) {
        this.boundsS = boundsS.clone();
        this.counts = new long[boundsS.length + 1];
    }

    BucketCounts copy() {
        BucketCounts copy = new BucketCounts(boundsS);
        copy.add(this);
        return copy;
    }

    private void add(BucketCounts other) {
        for (int i = 0; i < counts.length; i++) {
            counts[i] += other.counts[i];
        }
        sumS += other.sumS;
    }

    void add(double seconds) {
        add(seconds, 1);
    }

    void add(LatencyBuckets latency) {
        latency.buckets().forEach(b -> add(b.upToNs() / NS_PER_S, b.count()));
    }

    private void add(double seconds, long count) {
        int i = 0;
        while (i < boundsS.length && seconds > boundsS[i]) {
            i++;
        }
        counts[i] += count;
        sumS += seconds * count;
    }

    double[] upperBoundsS() {
        double[] all = java.util.Arrays.copyOf(boundsS, boundsS.length + 1);
        all[boundsS.length] = Double.POSITIVE_INFINITY;
        return all;
    }

    /** Not cumulative. */
    long[] counts() {
        return counts.clone();
    }

    double sumS() {
        return sumS;
    }
}
