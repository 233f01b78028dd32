package dev.ferry.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.migration.MigrationState;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SeriesTest {
    private static final long TICK_NS = 100_000_000;

    static Sample sample(long atNs, long bytes, double p99Us) {
        return new Sample(atNs, MigrationState.POSTCOPY, bytes, 0, 0, 0, 0, 0, 0, 0, 1, p99Us, 0);
    }

    @Test
    void shouldKeepEverySampleOfAShortMigration() {
        Series series = new Series();
        for (int i = 0; i < Series.MOST; i++) {
            series.add(sample(i * TICK_NS, i, 0));
        }
        assertThat(series.all()).hasSize(Series.MOST);
        assertThat(series.last().atNs()).isEqualTo((Series.MOST - 1) * TICK_NS);
    }

    @Test
    void shouldThinOutALongOneEvenlyWithoutLosingItsBeginningItsEndOrItsWorst() {
        Series series = new Series();
        int day = 24 * 36_000;
        for (int i = 0; i < day; i++) {
            series.add(sample(i * TICK_NS, i, i == 4711 ? 9999 : 5));
        }
        List<Sample> all = series.all();
        assertThat(all).hasSizeBetween(Series.MOST / 2, Series.MOST);
        assertThat(all.get(0).atNs()).isZero();
        assertThat(all.get(all.size() - 1).precopyBytes()).isEqualTo(day - 1);
        assertThat(all).isSortedAccordingTo((a, b) -> Long.compare(a.atNs(), b.atNs()));
        assertThat(all.stream().mapToDouble(Sample::p99Us).max()).hasValue(9999);
        long widest = IntStream.range(1, all.size())
                .mapToLong(i -> all.get(i).atNs() - all.get(i - 1).atNs())
                .max()
                .orElseThrow();
        assertThat(widest).as("no hole").isLessThan(day * TICK_NS / (Series.MOST / 8));
    }

    @Test
    void shouldGoOnRisingWhenACounterBeginsAnew() {
        Rising rising = new Rising(10, true);
        assertThat(rising.read(12)).isEqualTo(12);
        assertThat(rising.read(3)).isEqualTo(15);
        assertThat(rising.read(3)).isEqualTo(15);
        assertThat(rising.read(4)).isEqualTo(16);
    }
}
