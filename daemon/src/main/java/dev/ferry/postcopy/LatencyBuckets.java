package dev.ferry.postcopy;

import java.util.ArrayList;
import java.util.List;

/**
 * How often latencies of each size occurred, in steps of one percent; steps without any are left out. Immutable.
 *
 * @param buckets rising
 */
public record LatencyBuckets(List<Bucket> buckets) {
    public static final LatencyBuckets NONE = new LatencyBuckets(List.of());

    /** More is nothing that a {@link FaultLatency} makes. */
    private static final int MOST = 8192;

    /**
     * @param upToNs and above the bucket before
     * @param count above 0
     */
    public record Bucket(long upToNs, long count) {}

    public LatencyBuckets {
        buckets = List.copyOf(buckets);
    }

    public boolean isEmpty() {
        return buckets.isEmpty();
    }

    /** As numbers: up to so many ns, so many, and so on. */
    public List<Long> flat() {
        List<Long> all = new ArrayList<>();
        buckets.forEach(b -> {
            all.add(b.upToNs());
            all.add(b.count());
        });
        return all;
    }

    /** What a peer says that {@link #flat} gave. Nonsense is as good as nothing: it is only for people. */
    public static LatencyBuckets ofFlat(List<Long> numbers) {
        if (numbers.size() % 2 != 0 || numbers.size() > 2 * MOST) {
            return NONE;
        }
        List<Bucket> all = new ArrayList<>();
        long before = -1;
        for (int i = 0; i < numbers.size(); i += 2) {
            Bucket bucket = new Bucket(numbers.get(i), numbers.get(i + 1));
            if (bucket.upToNs() <= before || bucket.upToNs() > FaultLatency.LONGEST_NS * 2 || bucket.count() <= 0) {
                return NONE;
            }
            before = bucket.upToNs();
            all.add(bucket);
        }
        return new LatencyBuckets(all);
    }
}
