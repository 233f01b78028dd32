package dev.ferry.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RisingTest {
    @Test
    void shouldNotTakeAReadingThatCameEarlyForANewBeginning() {
        Rising own = new Rising(0, false);
        assertThat(own.read(100)).isEqualTo(100);
        assertThat(own.read(90)).isEqualTo(100);
        assertThat(own.read(120)).isEqualTo(120);
    }

    @Test
    void shouldGoOnAfterWhatAnEarlierDaemonCounted() {
        Rising anew = new Rising(100, false);
        assertThat(anew.read(10)).isEqualTo(110);
        assertThat(anew.read(15)).isEqualTo(115);
        Rising kept = new Rising(100, false);
        assertThat(kept.read(130)).isEqualTo(130);
        assertThat(kept.read(140)).isEqualTo(140);
    }

    @Test
    void shouldCountOnWhenAnothersDaemonBeginsAnew() {
        Rising told = new Rising(0, true);
        assertThat(told.read(100)).isEqualTo(100);
        assertThat(told.read(5)).isEqualTo(105);
        assertThat(told.read(8)).isEqualTo(108);
    }
}
