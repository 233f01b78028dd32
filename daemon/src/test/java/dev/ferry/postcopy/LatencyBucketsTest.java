package dev.ferry.postcopy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class LatencyBucketsTest {
    @Test
    void shouldCountEverythingWithinOnePercent() {
        FaultLatency latency = new FaultLatency();
        for (int i = 1; i <= 1000; i++) {
            latency.record(i * 1000L);
        }
        LatencyBuckets all = latency.buckets();
        assertThat(all.buckets().stream()
                        .mapToLong(LatencyBuckets.Bucket::count)
                        .sum())
                .isEqualTo(1000);
        long last = all.buckets().get(all.buckets().size() - 1).upToNs();
        assertThat(last).isBetween(1_000_000L, 1_020_000L);
        assertThat(all.buckets()).hasSizeLessThan(600);
        assertThat(LatencyBuckets.ofFlat(all.flat())).isEqualTo(all);
    }

    @Test
    void shouldTakeNonsenseOfAPeerForNothing() {
        for (List<Long> bad : List.of(
                List.of(1L),
                List.of(5L, 0L),
                List.of(5L, -1L),
                List.of(5L, 1L, 5L, 1L),
                List.of(Long.MAX_VALUE, 1L),
                List.of(-5L, 1L))) {
            assertThat(LatencyBuckets.ofFlat(bad)).as("%s", bad).isEqualTo(LatencyBuckets.NONE);
        }
    }
}
