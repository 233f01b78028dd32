package dev.ferry.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Percentage.withPercentage;

import java.util.List;
import org.junit.jupiter.api.Test;

class HistogramTest {
    private static final List<String> LINES = List.of(
            "TICK n=3 touches=20 writes=1 bad=0 maxus=9",
            "HIST us=0.512 n=900",
            "T ms=1 touches=2 maxus=3",
            "HIST us=104.000 n=80",
            "HIST us=1024.000 n=19",
            "HIST us=8192.000 n=1",
            "HIST end touches=1000 p50us=0.544 p99us=1.1 maxus=8300.250 stallsumus=36200.125",
            "HIST us=99.000 n=5");

    private final Histogram histogram = Histogram.parse(LINES);

    @Test
    void shouldTakeTheLinesUpToTheEndAndNoOthers() {
        assertThat(histogram.buckets()).hasSize(4);
        assertThat(histogram.count()).isEqualTo(1000);
        assertThat(histogram.maxUs()).isEqualTo(8300.25);
        assertThat(histogram.stallSumUs()).isEqualTo(36200.125);
    }

    @Test
    void shouldRefuseAHistogramThatIsCutShort() {
        assertThatThrownBy(() -> Histogram.parse(LINES.subList(0, 5))).isInstanceOf(BenchException.class);
    }

    @Test
    void shouldKnowTheWidthOfTheGuestsBuckets() {
        assertThat(new Histogram.Bucket(0.003, 1).widthUs()).isEqualTo(0.001);
        assertThat(new Histogram.Bucket(0.512, 1).widthUs()).isEqualTo(0.032);
        assertThat(new Histogram.Bucket(0.992, 1).widthUs()).isEqualTo(0.032);
        assertThat(new Histogram.Bucket(8.192, 1).widthUs()).isEqualTo(0.512);
    }

    @Test
    void shouldSelectTheSlowestLoads() {
        assertThat(histogram.slowestPercentileUs(20, 50)).isBetween(1024.0, 1088.0);
        assertThat(histogram.slowestPercentileUs(20, 100)).isBetween(8192.0, 8300.25);
        assertThat(histogram.slowestPercentileUs(100, 50)).isBetween(104.0, 108.0);
        assertThat(histogram.slowestPercentileUs(1, 50)).isBetween(8192.0, 8300.25);
    }

    @Test
    void shouldHaveNoStallsWithoutRemoteFaultsAndAllLoadsAtMost() {
        assertThat(histogram.slowestPercentileUs(0, 50)).isNaN();
        assertThat(histogram.slowestPercentileUs(5_000, 50)).isBetween(0.512, 0.544);
        assertThat(histogram.percentileUs(50)).isEqualTo(histogram.slowestPercentileUs(1000, 50));
    }

    @Test
    void shouldSpreadLoadsEvenlyWithinABucket() {
        Histogram one = new Histogram(List.of(new Histogram.Bucket(1048.576, 1000)), 1114.1, 0);
        assertThat(one.percentileUs(50)).isCloseTo(1081.3, withPercentage(0.1));
        assertThat(one.percentileUs(99)).isCloseTo(1113.5, withPercentage(0.1));
    }

    @Test
    void shouldNeverExceedTheLongestLoad() {
        assertThat(histogram.slowestPercentileUs(1, 100)).isLessThanOrEqualTo(8300.25);
    }
}
