package dev.ferry.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.bench.Chart.Axis;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChartTest {
    @Test
    void shouldPlaceTicksThatPeopleRead() {
        assertThat(Axis.linear("s", -1, 7).ticks()).containsExactly(0.0, 2.0, 4.0, 6.0);
        assertThat(Axis.logarithmic("µs", 3, 900).ticks()).containsExactly(1.0, 10.0, 100.0, 1000.0);
        assertThat(Axis.plain(0.10)).isEqualTo("0.1");
        assertThat(Axis.plain(20)).isEqualTo("20");
        assertThat(Axis.plain(100_000)).isEqualTo("100,000");
    }

    @Test
    void shouldPlaceValuesOnBothKindsOfAxis() {
        assertThat(Axis.linear("s", 0, 10).place(5)).isEqualTo(0.5);
        assertThat(Axis.logarithmic("µs", 1, 10_000).place(100)).isEqualTo(0.5);
    }

    @Test
    void shouldKeepPointsWithinTheAxes() {
        String svg = new Chart(Axis.linear("s", 0, 1), Axis.linear("x", 0, 1))
                .series(0, List.of(new Chart.Point(-5, -5), new Chart.Point(5, 5)))
                .svg("chart");
        assertThat(svg).contains("points=\"76.0,206.0 490.0,12.0 \"");
    }
}
