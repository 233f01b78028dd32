package dev.ferry.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.List;
import org.junit.jupiter.api.Test;

class WindowTest {
    private final List<Window> windows = Window.parse(
            List.of(
                    new SerialTail.Line("T ms=100 touches=400 maxus=3", 1000),
                    new SerialTail.Line("T ms=200 touches=500 maxus=4", 1100),
                    new SerialTail.Line("TICK n=1 touches=2 writes=1 bad=0 maxus=9", 1150),
                    new SerialTail.Line("T ms=300 touches=300 maxus=77", 1300)),
            1050);

    @Test
    void shouldCountTheRateByTheHostsClock() {
        assertThat(windows).containsExactly(new Window(50, 500, 5000, 4), new Window(250, 300, 1500, 77));
    }

    @Test
    void shouldTakeItsShareOfATime() {
        assertThat(windows.get(1).touchesBetween(0, 1000)).isCloseTo(300, offset(1e-6));
        assertThat(windows.get(1).touchesBetween(150, 200)).isCloseTo(75, offset(1e-6));
        assertThat(windows.get(1).touchesBetween(251, 300)).isZero();
    }
}
