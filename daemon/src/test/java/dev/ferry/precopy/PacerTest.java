package dev.ferry.precopy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PacerTest {
    private long now = 1_000_000_000_000L;

    @Test
    void shouldAllowABurstAndThenKeepTheRate() {
        Pacer pacer = new Pacer(() -> now, 1_000_000);
        now += 10_000_000_000L;
        assertThat(pacer.delayNsFor(50_000)).isZero();
        assertThat(pacer.delayNsFor(100_000)).isEqualTo(100_000_000);
        now += 100_000_000;
        assertThat(pacer.delayNsFor(1_000_000)).isEqualTo(1_000_000_000);
    }

    @Test
    void shouldNotWaitWithoutALimit() {
        Pacer pacer = new Pacer(() -> now, 0);
        assertThat(pacer.delayNsFor(Long.MAX_VALUE)).isZero();
        pacer.setBytesPerSecond(1000);
        assertThat(pacer.delayNsFor(1000)).isPositive();
    }
}
