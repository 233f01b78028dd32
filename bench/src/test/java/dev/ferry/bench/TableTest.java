package dev.ferry.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TableTest {
    private final Table table =
            new Table(List.of("system", "ms"), List.of(List.of("a<b", "1.5"), List.of("ferry", "10")));

    @Test
    void shouldAlignMarkdown() {
        assertThat(table.markdown()).isEqualTo("""
                | system |  ms |
                |--------|----:|
                | a<b    | 1.5 |
                | ferry  |  10 |
                """);
    }

    @Test
    void shouldEscapeHtml() {
        assertThat(table.html()).contains("<th>system</th>", "<td>a&lt;b</td><td>1.5</td>");
    }
}
