package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Postcopy;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class WatchFrameTest {
    private static final Style PLAIN = new Style(false, true);
    private static final Style FULL = new Style(true, true);
    private static final Style ASCII = new Style(false, false);

    private final WatchHistory history = new WatchHistory();

    private List<String> frame(Migration m, Style style, int columns, int rows) {
        return WatchFrame.of(m, history, style, columns, rows, "", "Ctrl-C leaves; the migration goes on.");
    }

    private static Migration at(Migration m, double ms, long bytes, long faults) {
        return m.toBuilder()
                .setTotalMs(ms)
                .setBytesSent(bytes)
                .setPostcopy(m.getPostcopy().toBuilder().setRemoteFaults(faults).setLocalFaults(0))
                .build();
    }

    @Test
    void shouldShowWhereItStandsAndHowItWent() {
        Migration m = Samples.postcopy();
        for (int i = 0; i <= 20; i++) {
            m = at(Samples.postcopy(), 1000 + i * 100, i * (10L << 20), i * 50L);
            history.add(m);
        }
        String text = String.join("\n", frame(m, PLAIN, 80, 24));
        assertThat(text).isEqualTo("""
                 web1  → 10.0.0.2:7420  4f2a9c0e1b7d3355                                   3.0 s

                 ✓ Preparing  ✓ Pre-copy  ✓ Switchover  ● Post-copy  ○ Completed

                 Memory     ███████████░░░░░░░░░░░░░░░░░░░░░░░░░  30%  2.8 GiB left of 4.0 GiB
                 Rate       100.0 MiB/s    █████████████████████████████
                 Dirty rate 12.0 MiB/s    ██████████████████████████████
                 Faults     500/s          █████████████████████████████  1000 remote, 0 local
                 Latency    p50 110 µs   p99 2.1 ms   max 0 µs
                 Downtime   -

                 Now        round 1

                 Ctrl-C leaves; the migration goes on.""".lines()
                .map(l -> l.isEmpty() ? l : " " + l.stripLeading())
                .collect(java.util.stream.Collectors.joining("\n")));
    }

    @Test
    void shouldSayWhatItWaitsForWhileItRecovers() {
        Migration m = Samples.postcopy().toBuilder()
                .setState(MigrationState.RECOVERING)
                .setReason("cannot reach 10.0.0.2:7420: Connection refused")
                .setNext("goes on by itself when the peer is back")
                .setRecoveries(2)
                .build();
        history.add(m);
        String text = String.join("\n", frame(m, PLAIN, 80, 24));
        assertThat(text)
                .contains(
                        "● Recovering",
                        "Waits for  cannot reach 10.0.0.2:7420: Connection refused",
                        "Next       goes on by itself",
                        "Recoveries 2");
        assertThat(String.join("\n", frame(m, FULL, 80, 24))).contains(Style.YELLOW + "● Recovering");
    }

    @ParameterizedTest
    @CsvSource({"50, 16", "60, 10", "80, 24", "100, 40", "300, 100", "20, 5", "1, 1"})
    void shouldNeverBeLargerThanTheTerminal(int columns, int rows) {
        Migration m = Samples.precopy().toBuilder()
                .setGuest("g".repeat(200))
                .setPeer("p".repeat(200))
                .setReason("r ".repeat(200))
                .setNext("n".repeat(500))
                .setState(MigrationState.RECOVERING)
                .setMemoryTotalBytes(Long.MAX_VALUE)
                .setMemoryRemainingBytes(-1)
                .setPostcopy(
                        Postcopy.newBuilder().setRemoteFaults(Long.MAX_VALUE).setLocalFaults(Long.MAX_VALUE))
                .build();
        history.add(m);
        for (Style style : List.of(PLAIN, FULL, ASCII)) {
            List<String> lines = frame(m, style, columns, rows);
            assertThat(lines).hasSizeLessThanOrEqualTo(rows);
            for (String line : lines) {
                assertThat(line.replaceAll("\033\\[[0-9]*m", "").length()).isLessThanOrEqualTo(columns);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(MigrationState.class)
    void shouldKnowEveryState(MigrationState state) {
        if (state == MigrationState.UNRECOGNIZED) {
            return;
        }
        Migration m = Samples.precopy().toBuilder().setState(state).build();
        history.add(m);
        assertThat(String.join("\n", frame(m, PLAIN, 80, 24))).contains(ReportCharts.title(state));
    }

    @Test
    void shouldWriteAsciiWhereNothingElseIsUnderstoodAndNothingThatStrangersHaveHidden() {
        Migration m = Samples.precopy().toBuilder()
                .setGuest("w\033[2Jeb\u202e1\u009b")
                .setReason("a\nb\007")
                .build();
        history.add(m);
        String text = String.join("\n", frame(m, ASCII, 80, 24));
        assertThat(text).contains("w?[2Jeb?1?", "a b?").matches("[\\n\\x20-\\x7e]*");
    }

    @Test
    void shouldFollowTheEnvironment() {
        assertThat(Style.of(Map.of("LANG", "de_DE.UTF-8"))).isEqualTo(FULL);
        assertThat(Style.of(Map.of("LANG", "C.utf8", "NO_COLOR", "1"))).isEqualTo(PLAIN);
        assertThat(Style.of(Map.of("LC_ALL", "C", "LANG", "en_US.UTF-8", "NO_COLOR", "")))
                .isEqualTo(new Style(true, false));
        assertThat(Style.of(Map.of())).isEqualTo(new Style(true, false));
    }

    @Test
    void shouldRememberADayInBoundedMemory() {
        for (int i = 0; i < 100_000; i++) {
            history.add(at(Samples.precopy(), i * 100.0, i * 1000L, 0));
        }
        assertThat(history.points()).hasSizeLessThan(WatchHistory.MOST);
        assertThat(history.parts(10, WatchHistory.Point::bytes)).hasSize(10);
        for (double part : history.parts(10, WatchHistory.Point::bytes)) {
            assertThat(part).isBetween(9_900.0, 10_001.0);
        }
        history.add(at(Samples.precopy(), 1e7 + 100, 0, 0)); // another daemon counts from the beginning
        assertThat(history.last().bytes()).isZero();
    }
}
