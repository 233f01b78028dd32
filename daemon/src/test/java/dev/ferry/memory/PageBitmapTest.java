package dev.ferry.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PageBitmapTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void shouldAgreeWithABitSet(long seed) {
        Random random = new Random(seed);
        int pages = 1 + random.nextInt(seed % 2 == 0 ? 500 : 5 * PageBitmap.GROUP_PAGES);
        PageBitmap bitmap = PageBitmap.allocate(pages);
        BitSet model = new BitSet(pages);
        for (int i = 0; i < 2000; i++) {
            int first = random.nextInt(pages);
            int count = random.nextInt(pages - first + 1);
            switch (random.nextInt(5)) {
                case 0 -> {
                    assertThat(bitmap.set(first)).isEqualTo(!model.get(first));
                    model.set(first);
                }
                case 1 -> {
                    assertThat(bitmap.clear(first)).isEqualTo(model.get(first));
                    model.clear(first);
                }
                case 4 -> {
                    int end = Math.min(model.nextSetBit(first) < 0 ? pages : model.nextSetBit(first), first + count);
                    assertThat(bitmap.setRun(first, count)).isEqualTo(end - first);
                    model.set(first, end);
                }
                case 2 -> {
                    int before = model.cardinality();
                    model.set(first, first + count);
                    assertThat(bitmap.setRange(first, count)).isEqualTo(model.cardinality() - before);
                }
                default -> {
                    int before = model.cardinality();
                    model.clear(first, first + count);
                    assertThat(bitmap.clearRange(first, count)).isEqualTo(before - model.cardinality());
                }
            }
            int from = random.nextInt(pages);
            int clear = model.nextClearBit(from);
            assertThat(bitmap.nextSet(from)).isEqualTo(model.nextSetBit(from));
            assertThat(bitmap.nextClear(from)).isEqualTo(clear >= pages ? -1 : clear);
            int to = from + random.nextInt(pages - from + 1);
            int set = model.nextSetBit(from);
            assertThat(bitmap.nextSet(from, to)).isEqualTo(set >= to ? -1 : set);
            assertThat(bitmap.nextClear(from, to)).isEqualTo(clear >= to ? -1 : clear);
            assertThat(bitmap.cardinality()).isEqualTo(model.cardinality());
        }
    }

    @Test
    void shouldCutRunsAtTheirMaximumAndAtTheEnds() {
        PageBitmap bitmap = PageBitmap.allocate(200);
        bitmap.setRange(10, 100);
        bitmap.set(199);
        List<String> runs = new ArrayList<>();
        bitmap.forEachSetRun(20, 200, 64, (first, count) -> runs.add(first + "+" + count));
        assertThat(runs).containsExactly("20+64", "84+26", "199+1");
        runs.clear();
        bitmap.forEachSetRun(15, 18, 64, (first, count) -> runs.add(first + "+" + count));
        assertThat(runs).containsExactly("15+3");
    }

    @Test
    void shouldLetJustOneOfManyThreadsWinEachPage() throws InterruptedException {
        PageBitmap bitmap = PageBitmap.allocate(10_000);
        long[] wins = new long[4];
        Thread[] threads = new Thread[wins.length];
        for (int t = 0; t < wins.length; t++) {
            int me = t;
            threads[t] = new Thread(() -> {
                for (int p = 0; p < 10_000; p++) {
                    wins[me] += bitmap.set(p) ? 1 : 0;
                }
            });
            threads[t].start();
        }
        for (Thread t : threads) {
            t.join();
        }
        assertThat(wins[0] + wins[1] + wins[2] + wins[3]).isEqualTo(10_000);
    }

    /** The counts beside the bits must never be too small, and right in the end. */
    @Test
    void shouldFindWhatStaysHoweverItsNeighboursChange() throws InterruptedException {
        int pages = 3 * PageBitmap.GROUP_PAGES;
        PageBitmap bitmap = PageBitmap.allocate(pages);
        int fixed = PageBitmap.GROUP_PAGES + 1000;
        bitmap.set(fixed);
        PageBitmap inverse = PageBitmap.allocate(pages);
        inverse.setRange(0, pages);
        inverse.clear(fixed);
        AtomicBoolean done = new AtomicBoolean();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            Random random = new Random(t);
            threads.add(new Thread(() -> {
                while (!done.get()) {
                    int first = random.nextInt(fixed - 200);
                    int count = random.nextInt(200);
                    bitmap.setRange(first, count);
                    bitmap.clearRange(first, count);
                    bitmap.setRun(first, count);
                    bitmap.clear(first);
                    bitmap.clearRange(0, fixed);
                    inverse.clearRange(first, count);
                    inverse.setRun(first, count);
                    inverse.setRange(0, fixed);
                }
            }));
        }
        threads.forEach(Thread::start);
        try {
            for (int i = 0; i < 200_000; i++) {
                assertThat(bitmap.nextSet(fixed - 5L, pages)).isBetween(fixed - 5L, (long) fixed);
                assertThat(inverse.nextClear(fixed - 5L)).isBetween(fixed - 5L, (long) fixed);
            }
        } finally {
            done.set(true);
        }
        for (Thread t : threads) {
            t.join();
        }
        bitmap.clearRange(0, fixed);
        inverse.setRange(0, fixed);
        assertThat(bitmap.cardinality()).isEqualTo(1);
        assertThat(inverse.cardinality()).isEqualTo(pages - 1);
        assertThat(bitmap.nextSet(0)).isEqualTo(fixed);
        assertThat(inverse.nextClear(0)).isEqualTo(fixed);
    }

    @Test
    void shouldCountTheBitsOfMemoryThatIsThere() {
        int pages = PageBitmap.GROUP_PAGES + 70;
        ByteBuffer memory = ByteBuffer.allocateDirect(PageBitmap.sizeBytes(pages));
        PageBitmap.over(memory, pages).setRange(4000, 160);
        PageBitmap again = PageBitmap.over(memory, pages);
        assertThat(again.cardinality()).isEqualTo(160);
        assertThat(again.nextSet(0)).isEqualTo(4000);
        assertThat(again.nextClear(4000)).isEqualTo(4160);
        assertThat(again.clearRange(0, pages)).isEqualTo(160);
        assertThat(again.nextSet(0)).isEqualTo(-1);
    }

    @Test
    void shouldRefusePagesOutside() {
        PageBitmap bitmap = PageBitmap.allocate(65);
        assertThatThrownBy(() -> bitmap.get(65)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> bitmap.set(-1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> bitmap.setRange(60, 6)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> bitmap.setRange(1, Long.MAX_VALUE)).isInstanceOf(IndexOutOfBoundsException.class);
    }
}
