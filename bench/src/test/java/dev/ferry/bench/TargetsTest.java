package dev.ferry.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TargetsTest {
    private static final Scenario BASE =
            new Scenario("base", 1024, 1, "random", 0, 20, 100, Scenario.DEFAULT_ROUNDS, 0);
    private static final Floor.Latencies LATENCIES =
            new Floor.Latencies(new Floor.Percentiles(5, 6), new Floor.Percentiles(10, 12), 2e9);
    private static final Floor FLOOR = new Floor(LATENCIES, LATENCIES);

    private final Section section = new Section(
            BASE,
            "loopback",
            FLOOR,
            List.of(move("ferry", 1, true, 40), move("preempt", 1, false, 20), move("ferry", 2, false, 6)),
            Map.of());

    private static Move move(String system, int run, boolean cold, double downtimeMs) {
        Histogram histogram = new Histogram(List.of(new Histogram.Bucket(1, 90), new Histogram.Bucket(16, 10)), 17, 0);
        List<Window> series = List.of(new Window(-50, 100, 1000, 1), new Window(1000, 1000, 1000, 1));
        return new Move(
                system,
                BASE,
                run,
                cold,
                downtimeMs,
                downtimeMs,
                1000,
                500,
                1_000_000,
                1_100_000,
                1,
                10,
                histogram,
                series,
                MissingNode.getInstance());
    }

    private static Target find(List<Target> targets, String what) {
        return targets.stream().filter(t -> t.what().equals(what)).findFirst().orElseThrow();
    }

    @Test
    void shouldJudgeWhatWasMeasured() {
        List<Target> targets = Targets.of(List.of(section));
        Target ratio = find(targets, "downtime ÷ preempt");
        assertThat(ratio.measured()).isEqualTo(23.0 / 20);
        assertThat(ratio.verdict()).isEqualTo("SHORT");
        assertThat(find(targets, "remote fault p50 ÷ C floor").verdict()).isEqualTo("pass");
        assertThat(find(targets, "pages that are not zero, per second of total time ÷ raw TCP")
                        .measuredText())
                .isEqualTo("0.54x");
    }

    @Test
    void shouldNotJudgeWhatWasNot() {
        assertThat(Targets.of(List.of())).noneMatch(Target::isMeasured).hasSizeGreaterThan(20);
        assertThat(find(Targets.of(List.of(section)), "1 Gbit/s: remote fault p99")
                        .verdict())
                .isEqualTo("not measured");
    }

    @Test
    void shouldShowTheColdRunApart() {
        assertThat(section.medians().rows().stream().map(r -> r.get(0) + " " + r.get(1)))
                .containsExactly("ferry 23.0", "ferry, run 1 (cold) 40.0", "preempt 20.0");
        assertThat(section.ratios("ferry").rows().get(0).subList(0, 2)).containsExactly("ferry ÷ preempt", "1.15");
    }

    @Test
    void shouldCountTheTimeThatTheGuestLost() {
        assertThat(section.moves().get(0).lostMs()).isEqualTo(0);
    }

    @Test
    void shouldEstimateDifferentPages() {
        assertThat(ResidualTouches.distinct("seq", 500, 1000)).isEqualTo(500);
        assertThat(ResidualTouches.distinct("seq", 5000, 1000)).isEqualTo(1000);
        assertThat(ResidualTouches.distinct("random", 1000, 1000)).isBetween(632.0, 633.0);
        assertThat(ResidualTouches.distinct("hot", 10_000, 1000)).isBetween(100 + 565.0, 100 + 570.0);
    }

    @Test
    void shouldRenderAPageOfItsOwn() {
        List<Section> sections = List.of(section);
        String page =
                new HtmlPage(new Results("bin/bench", Map.of("CPU", "a & b"), sections, Targets.of(sections))).render();
        assertThat(page).contains("a &amp; b", "<svg", "</html>").doesNotContain("http", "NaN", "Infinity");
    }
}
