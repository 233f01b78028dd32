package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ForecasterTest {
    private final Forecaster forecaster = new Forecaster();

    @Test
    void shouldExpectWhatWasSeenOften() {
        for (int i = 0; i < 30; i++) {
            forecaster.sawBlackout(30_000_000, 5_000_000);
            forecaster.sawPostcopy(2_000_000_000, 50_000);
        }
        Forecast next = forecaster.forecast(8_000_000, 10_000, 40_960_000, 0);
        assertThat(next.downtimeNs()).isCloseTo(33_000_000, within(100_000L));
        assertThat(next.postcopyNs()).isCloseTo(400_000_000, within(1_000_000L));
    }

    @Test
    void shouldKnowThatALimitedPushTakesLonger() {
        assertThat(forecaster.forecast(0, 10_000, 40_960_000, 4_096_000).postcopyNs())
                .isEqualTo(10_000_000_000L);
    }

    @Test
    void shouldTakeAGuestThatDoesNotMoveYetForAsBusyAsThoseBefore() {
        for (int i = 0; i < 30; i++) {
            forecaster.sawBlackout(20_000_000, 0);
            forecaster.sawPostcopy(2_000_000_000, 50_000);
            forecaster.sawResidual(25, 100);
            forecaster.sawResidual(100, 0); // without pre-copy: says nothing
        }
        Forecast next = forecaster.forecast(1L << 30);
        assertThat(next.downtimeNs()).isCloseTo(20_200_000, within(100_000L));
        assertThat(next.postcopyNs()).isCloseTo((1 << 16) * 40_000L, within(10_000_000L));
        assertThat(forecaster.forecast(2L << 30).postcopyNs()).isGreaterThan(next.postcopyNs());
    }

    @Test
    void shouldNotLearnThePriceOfAPageFromAHandful() {
        Forecast before = forecaster.forecast(0, 10_000, 40_960_000, 0);
        forecaster.sawPostcopy(100_000_000, 3);
        assertThat(forecaster.forecast(0, 10_000, 40_960_000, 0)).isEqualTo(before);
    }
}
