package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class EvacuationFrameTest {
    private static final Style PLAIN = new Style(false, true);
    private static final Pattern SGR = Pattern.compile("\033\\[[0-9;]*m");

    private static Evacuee moving(String name) {
        Evacuee e = new Evacuee(name, 1 << 20);
        e.moves(Migration.newBuilder()
                .setId("1")
                .setPeer("10.0.0.2:7420")
                .setState(MigrationState.PRECOPY)
                .setMemoryTotalBytes(100 << 20)
                .setMemoryRemainingBytes(50 << 20)
                .build());
        return e;
    }

    private static List<Evacuee> some() {
        Evacuee moved = moving("web1");
        moved.moved(moved.migration().toBuilder()
                .setDowntimeMs(12.4)
                .addDowntimePhases(Phase.newBuilder().setMs(12.4))
                .build());
        Evacuee left = new Evacuee("gpu1", 1);
        left.left("VFIO_DEVICE: unplug it", "mend that");
        Evacuee waiting = new Evacuee("db1", 1);
        waiting.waits("INBOUND_LIMIT: later");
        return List.of(moved, left, waiting, moving("web2"));
    }

    @Test
    void shouldShowWhoMovesFirstAndHowFar() {
        List<String> lines = EvacuationFrame.of(some(), PLAIN, 100, 24, "");
        assertThat(lines.get(0)).isEqualTo(" 1 waiting, 1 moving, 1 moved, 1 left");
        assertThat(lines.get(2)).contains("GUEST", "DESTINATION", "STATE", "REMAINING", "DOWNTIME");
        assertThat(lines.get(3)).contains("web2", "10.0.0.2:7420", "PRECOPY", "██████░░░░░░", "50.0 MiB");
        assertThat(lines.get(4)).contains("gpu1", "left", "VFIO_DEVICE: unplug it");
        assertThat(lines.get(5)).contains("db1", "waits", "INBOUND_LIMIT: later");
        assertThat(lines.get(6)).contains("web1", "moved", "12.400 ms");
        assertThat(lines.get(lines.size() - 1)).contains("Ctrl-C");
    }

    @Test
    void shouldFitAnyTerminal() {
        List<Evacuee> many = new ArrayList<>(some());
        for (int i = 0; i < 60; i++) {
            many.add(moving("a-guest-with-a-name-that-is-rather-long-" + i));
        }
        many.add(moving("\033[2Jevil\u202e"));
        for (Style style : List.of(PLAIN, new Style(true, true), new Style(true, false))) {
            for (int columns = EvacuationFrame.LEAST_COLUMNS; columns <= 200; columns += 7) {
                for (int rows = EvacuationFrame.LEAST_ROWS - 1; rows < 100; rows += 9) {
                    List<String> lines = EvacuationFrame.of(many, style, columns, rows, "a message");
                    assertThat(lines).hasSizeLessThanOrEqualTo(rows);
                    int most = columns;
                    assertThat(lines).allSatisfy(l -> {
                        String shown = SGR.matcher(l).replaceAll("");
                        assertThat(shown.length()).isLessThanOrEqualTo(most);
                        assertThat(shown).doesNotContain("\033", "\u202e");
                    });
                    assertThat(String.join("\n", lines)).contains(" more", "a message", "Ctrl-C");
                    if (!style.hasColour()) {
                        assertThat(String.join("", lines)).doesNotContain("\033");
                    }
                    if (!style.isUnicode()) {
                        assertThat(lines.get(3).chars()).allMatch(c -> c < 128);
                    }
                }
            }
        }
    }
}
