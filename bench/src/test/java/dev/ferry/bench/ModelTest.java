package dev.ferry.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.ferry.bench.Model.Guest;
import dev.ferry.bench.Model.Hosts;
import dev.ferry.bench.Model.Prediction;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class ModelTest {
    private static final Hosts FAST = new Hosts(10, 0.2, 1, 1e9, 1e9, 100);

    /** docs/model.md: bin/bench --systems ferry --precopy-rounds 1, 1 GiB, 277,000 touches/s, 20 % writes; third run. */
    @Test
    void shouldBeAboutRightForWhatWasMeasured() {
        Hosts here = new Hosts(13, 0.2, 0.25, 243_163 * 4096 / 1.619, 67_654 * 4096 / 1.98, 147);
        Prediction p = Model.predict(new Guest(1, 1, 277_000, 55_400), here, 3e9, 1);
        assertThat(p.residualPages()).isCloseTo(67_654, Percentage.withPercentage(25));
        assertThat(p.downtimeMs()).isCloseTo(26.5, Percentage.withPercentage(25));
        assertThat(p.postcopySeconds()).isCloseTo(1.98, Percentage.withPercentage(25));
        assertThat(p.remoteFaults()).isBetween(3_829.0, 3 * 3_829.0);
    }

    @Test
    void shouldTakeAsLongAsTheLinkNeedsWhenTheGuestTouchesNothing() {
        Prediction p = Model.predict(new Guest(1, 1, 1e-6, 0), FAST, 5e8, 0);
        assertThat(p.postcopySeconds()).isCloseTo((1L << 30) / 5e8, within(0.01));
        assertThat(p.remoteFaults()).isLessThan(1);
        assertThat(p.downtimeMs()).isCloseTo(10 + 0.2 + 0.34, within(0.01));
    }

    @Test
    void shouldNotPredictMoreStaleRunsThanAMessageHas() {
        Prediction p = Model.predict(new Guest(1024, 64, 5_000, 250_000), FAST, 1e9, 1);
        assertThat(p.downtimeMs()).isLessThan(10 + 0.2 * 1024 + 525 + 3);
    }
}
