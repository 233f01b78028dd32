package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Migration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private static final Migration PRECOPY = Samples.precopy();
    private static final String LINE = ProgressLine.of(PRECOPY);

    private final Screen screen = new Screen();
    private final AtomicLong nowNs = new AtomicLong(-5_000_000_000L);

    private Progress progress(boolean isLive) {
        return new Progress(screen.terminal(isLive, Map.of()), nowNs::get);
    }

    @Test
    void shouldPrintALineASecondAndAtEachNewState() {
        try (Progress progress = progress(false)) {
            for (int i = 0; i < 25; i++) {
                progress.show(PRECOPY);
                nowNs.addAndGet(100_000_000);
            }
            assertThat(screen.err().lines()).containsExactly(LINE, LINE, LINE);
            progress.show(Samples.postcopy());
        }
        assertThat(screen.err().lines()).hasSize(4).last().asString().contains("POSTCOPY");
        assertThat(screen.err()).doesNotContain("\033", "\r");
    }

    @Test
    void shouldSayWhatIsWaitedForWhenThatChanges() {
        Migration lost =
                PRECOPY.toBuilder().setReason("connection lost, tried again").build();
        try (Progress progress = progress(false)) {
            progress.show(PRECOPY);
            progress.show(lost);
            progress.show(lost);
            progress.show(Samples.postcopy());
        }
        assertThat(screen.err().lines())
                .hasSize(3)
                .contains("ferry: connection lost, tried again")
                .first()
                .isEqualTo(LINE);
    }

    @Test
    void shouldDrawOneLineOnATerminalAndTakeItAwayInTheEnd() {
        try (Progress progress = progress(true)) {
            progress.show(PRECOPY);
            progress.show(PRECOPY);
        }
        String drawn = "\r\033[K\033[?7l" + LINE + "\033[?7h";
        assertThat(screen.err()).isEqualTo(drawn + drawn + "\r\033[K");
    }

    @Test
    void shouldKeepMessagesApartFromTheLine() {
        try (Progress progress = progress(true)) {
            progress.show(PRECOPY);
            progress.say("ferryd is back");
        }
        assertThat(screen.err()).endsWith("\r\033[Kferry: ferryd is back\n");
    }

    @Test
    void shouldDrawNothingOnceClosed() {
        Progress progress = progress(true);
        progress.close();
        progress.close();
        progress.show(PRECOPY);
        assertThat(screen.err()).isEmpty();
    }
}
