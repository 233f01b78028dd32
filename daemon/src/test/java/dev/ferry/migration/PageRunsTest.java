package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 100})
    void shouldNameNoFewerPagesAndNoMoreRunsThanItMay(int maxRuns) {
        Random random = new Random(maxRuns);
        PageRuns runs = new PageRuns(0, maxRuns);
        BitSet named = new BitSet();
        int page = 0;
        for (int i = 0; i < 2000; i++) {
            page += random.nextInt(50);
            int pages = 1 + random.nextInt(3);
            runs.add(page, pages);
            named.set(page, page + pages);
            page += pages;
            assertThat(runs.size()).isLessThanOrEqualTo(2 * maxRuns);
        }
        BitSet told = new BitSet();
        runs.forEach(page, (first, n) -> told.set((int) first, (int) (first + n)));
        named.andNot(told);
        assertThat(named.isEmpty()).isTrue();
        assertThat(told.length()).isEqualTo(page);
        assertThat(runs.isWidened()).isTrue();
    }

    @Test
    void shouldBeExactAsLongAsThereIsRoom() {
        PageRuns runs = new PageRuns(0, 3);
        runs.add(0, 1);
        runs.add(2, 1);
        runs.add(4, 1);
        assertThat(runs.size()).isEqualTo(6);
        assertThat(runs.isWidened()).isFalse();
    }

    @Test
    void shouldRefuseRunsOutOfOrder() {
        PageRuns runs = new PageRuns(0);
        runs.add(5, 5);
        assertThatThrownBy(() -> runs.add(9, 1)).isInstanceOf(IllegalArgumentException.class);
    }
}
