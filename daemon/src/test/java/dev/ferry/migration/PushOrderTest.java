package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.memory.RamBlock;
import dev.ferry.precopy.SentPages;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PushOrderTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 10_000;
    private final RamBlock low = new RamBlock(0, "low", (long) PAGES * PAGE, PAGE, true);
    private final RamBlock high = new RamBlock(1, "high", (long) PAGES * PAGE, PAGE, true);
    private final SentPages sent = new SentPages(List.of(low, high));
    private final PushOrder order = new PushOrder(sent);

    private String next() {
        return order.next(16 * PAGE) ? order.block().name() + " " + order.firstPage() + "+" + order.pages() : "end";
    }

    @Test
    void shouldAscendWhenNobodyWaits() {
        sent.markSent(low, 20, PAGES - 20);
        sent.markSent(high, 3, PAGES - 3);
        assertThat(List.of(next(), next(), next(), next())).containsExactly("low 0+16", "low 16+4", "high 0+3", "end");
    }

    @Test
    void shouldKnowWhenNothingIsLeftWithoutClaiming() {
        sent.markSent(low, 0, PAGES);
        sent.markSent(high, 0, 5000);
        assertThat(order.isDone()).isFalse();
        assertThat(next()).isEqualTo("high 5000+16");
        sent.markSent(high, 5016, PAGES - 5016); // all of it was asked for
        assertThat(order.isDone()).isTrue();
        assertThat(next()).isEqualTo("end");
        assertThat(order.isDone()).isTrue();
    }

    @Test
    void shouldGoOnBehindAFaultAndTakeAFewPagesBeforeIt() {
        sent.markSent(high, 5000, 1);
        order.fault(high, 5000);
        assertThat(next()).isEqualTo("high 4992+8");
        assertThat(next()).isEqualTo("high 5001+16");
        sent.markSent(high, 5040, 1);
        order.fault(high, 5040); // the guest was faster
        assertThat(next()).isEqualTo("high 5041+16");
    }

    @Test
    void shouldServeSeveralPlacesByTurns() {
        order.fault(low, 1000);
        order.fault(low, 7000);
        List<Long> firsts = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            assertThat(order.next(16 * PAGE)).isTrue();
            firsts.add(order.firstPage());
        }
        assertThat(firsts.stream().filter(p -> p < 2000)).hasSize(3);
        assertThat(firsts.stream().filter(p -> p > 6000)).hasSize(3);
    }

    @Test
    void shouldPreferWhatIsWrittenAgainAndAgain() {
        sent.markSent(low, 0, PAGES);
        sent.markDirty(low, 100, 500);
        sent.markSent(low, 100, 500);
        sent.markDirty(low, 300, 20);
        sent.markDirty(low, 50, 10);
        assertThat(next()).isEqualTo("low 300+16");
        assertThat(next()).isEqualTo("low 316+4");
        assertThat(next()).isEqualTo("low 50+10");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void shouldNameEveryUnsentPageJustOnce(long seed) {
        Random random = new Random(seed);
        BitSet want = new BitSet();
        for (int i = 0; i < 300; i++) {
            RamBlock block = random.nextBoolean() ? low : high;
            int first = random.nextInt(PAGES - 64);
            sent.markSent(block, first, random.nextInt(64));
            sent.markDirty(block, random.nextInt(PAGES - 64), random.nextInt(64));
        }
        for (RamBlock block : sent.blocks()) {
            sent.forEachUnsent(
                    block,
                    (first, n) ->
                            want.set(block.index() * PAGES + (int) first, block.index() * PAGES + (int) (first + n)));
        }
        BitSet got = new BitSet();
        while (true) {
            if (random.nextInt(4) == 0) {
                // The demand path takes a page of its own.
                RamBlock block = random.nextBoolean() ? low : high;
                int page = random.nextInt(PAGES);
                if (sent.claimRun(block, page, 1) == 1) {
                    got.set(block.index() * PAGES + page);
                }
                order.fault(block, page);
            }
            if (!order.next((1 + random.nextInt(64)) * PAGE)) {
                break;
            }
            int from = order.block().index() * PAGES + (int) order.firstPage();
            assertThat(got.get(from, from + order.pages()).cardinality()).isZero();
            got.set(from, from + order.pages());
        }
        assertThat(got).isEqualTo(want);
    }
}
