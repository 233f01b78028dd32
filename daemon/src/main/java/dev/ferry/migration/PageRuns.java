package dev.ferry.migration;

import dev.ferry.memory.PageBitmap;
import java.util.Arrays;

/**
 * Runs of pages of one block as gap, length, gap, length, ...: compact in memory and on the wire. Built by one thread.
 *
 * <p>Bounded, however large and scattered the guest's memory is: beyond {@code maxRuns} the runs with the smallest gaps between
 * them become one, which takes pages in that were not named. Whoever builds it must be content with too much.
 */
public final class PageRuns {
    /**
     * Of all blocks in one message: at most 5 MiB of the 64 that a message may have (a gap and a length are 5 bytes each, up to
     * 32 TiB of 4 KiB pages), and 8 MiB of heap.
     */
    public static final int MAX_RUNS = 1 << 19;

    private final int block;
    private final int maxRuns;

    /** Gaps shorter than this are not told. */
    private long smallestGap;

    private long[] gapAndLength = new long[64];
    private int size;
    private long end;

    public PageRuns(int block) {
        this(block, MAX_RUNS);
    }

    public PageRuns(int block, int maxRuns) {
        this.block = block;
        this.maxRuns = Math.max(1, maxRuns);
    }

    public int block() {
        return block;
    }

    /** In ascending order. */
    public void add(long firstPage, long pages) {
        if (firstPage < end || pages <= 0) {
            throw new IllegalArgumentException("run " + firstPage + ", +" + pages + " after page " + end);
        }
        if (size > 0 && firstPage - end < smallestGap) {
            gapAndLength[size - 1] += firstPage - end + pages;
        } else {
            if (size / 2 == maxRuns) {
                widen();
                add(firstPage, pages);
                return;
            }
            append(firstPage - end, pages);
        }
        end = firstPage + pages;
    }

    /** Whether pages were taken in that were not named. */
    public boolean isWidened() {
        return smallestGap > 0;
    }

    private void widen() {
        // At least half must go, or the next run would be here again: gaps double until they have.
        do {
            smallestGap = Math.max(2, smallestGap * 2);
            int kept = 2;
            for (int i = 2; i < size; i += 2) {
                if (gapAndLength[i] < smallestGap) {
                    gapAndLength[kept - 1] += gapAndLength[i] + gapAndLength[i + 1];
                } else {
                    gapAndLength[kept++] = gapAndLength[i];
                    gapAndLength[kept++] = gapAndLength[i + 1];
                }
            }
            size = kept;
        } while (size / 2 > Math.max(1, maxRuns / 2));
    }

    /** From the wire, unchecked but for the pairs; {@link #forEach} checks. */
    public void append(long gap, long length) {
        if (size + 2 > gapAndLength.length) {
            gapAndLength = Arrays.copyOf(gapAndLength, gapAndLength.length * 2);
        }
        gapAndLength[size++] = gap;
        gapAndLength[size++] = length;
    }

    public boolean isEmpty() {
        return size == 0;
    }

    /** Numbers as on the wire. */
    public int size() {
        return size;
    }

    public long at(int index) {
        return gapAndLength[index];
    }

    /** Every run, checked against the block's size: IllegalArgumentException if one lies outside. */
    public void forEach(long pageCount, PageBitmap.RunConsumer consumer) {
        long page = 0;
        for (int i = 0; i + 1 < size; i += 2) {
            long gap = gapAndLength[i];
            long length = gapAndLength[i + 1];
            if (gap < 0 || length <= 0 || gap > pageCount - page || length > pageCount - page - gap) {
                throw new IllegalArgumentException("run of block " + block + " outside its " + pageCount + " pages");
            }
            consumer.accept(page + gap, length);
            page += gap + length;
        }
    }
}
