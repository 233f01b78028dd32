package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScaleTest {
    @ParameterizedTest
    @ValueSource(doubles = {0, 0.3, 1, 7, 99, 1023, 1024, 5e6, 3.7e9, 1e15, 9.2e18})
    void shouldHaveAFewRoundStepsUpToAndAboveTheMost(double most) {
        Scale scale = Scale.linear(most, 1024, String::valueOf);
        assertThat(scale.ticks()).hasSizeBetween(3, 7);
        assertThat(scale.ticks().get(0).at()).isZero();
        assertThat(scale.ticks().get(scale.ticks().size() - 1).at()).isBetween(0.999, 1.001);
        assertThat(scale.at(most)).isBetween(0.0, 1.0);
        assertThat(scale.at(most / 2)).isLessThanOrEqualTo(scale.at(most));
    }

    @Test
    void shouldPutEveryValueWithinTheChart() {
        Scale linear = Scale.linear(10, 1000, String::valueOf);
        Scale logarithmic = Scale.logarithmic(20, 3000, String::valueOf);
        for (double value : new double[] {-1, 0, Double.NaN, Double.POSITIVE_INFINITY, 1e300}) {
            assertThat(linear.at(value)).isBetween(0.0, 1.0);
            assertThat(logarithmic.at(value)).isBetween(0.0, 1.0);
        }
        assertThat(logarithmic.ticks())
                .extracting(Scale.Tick::label)
                .containsExactly("10.0", "100.0", "1000.0", "10000.0");
        assertThat(logarithmic.at(100)).isBetween(0.333, 0.334);
    }
}
