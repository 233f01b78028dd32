package dev.ferry.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StatisticsTest {
    @Test
    void shouldTakeTheMiddle() {
        assertThat(Statistics.median(3, 1, 2)).isEqualTo(2);
        assertThat(Statistics.median(4, 1, 3, 2)).isEqualTo(2.5);
        assertThat(Statistics.median(7)).isEqualTo(7);
    }

    @Test
    void shouldLeaveOutWhatIsNotANumber() {
        assertThat(Statistics.median(Double.NaN, 5, 1)).isEqualTo(3);
        assertThat(Statistics.median(Double.NaN)).isNaN();
        assertThat(Statistics.median()).isNaN();
    }
}
