package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PageRunsTest {
    @Test
    void shouldGiveBackTheRunsItWasGiven() {
        PageRuns runs = new PageRuns(2);
        runs.add(0, 3);
        runs.add(3, 1);
        runs.add(100, 5);
        List<String> seen = new ArrayList<>();
        runs.forEach(105, (first, n) -> seen.add(first + "+" + n));
        assertThat(seen).containsExactly("0+3", "3+1", "100+5");
    }

    @Test
    void shouldRefuseRunsOutsideTheBlock() {
        for (long[] bad :
                new long[][] {{0, 11}, {10, 1}, {-1, 1}, {0, 0}, {0, -5}, {Long.MAX_VALUE, 2}, {5, Long.MAX_VALUE}}) {
            PageRuns runs = new PageRuns(0);
            runs.append(bad[0], bad[1]);
            assertThatThrownBy(() -> runs.forEach(10, (first, n) -> {})).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void shouldRefuseRunsOutOfOrder() {
        PageRuns runs = new PageRuns(0);
        runs.add(5, 5);
        assertThatThrownBy(() -> runs.add(9, 1)).isInstanceOf(IllegalArgumentException.class);
    }
}
