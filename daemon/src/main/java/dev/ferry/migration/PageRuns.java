package dev.ferry.migration;

import dev.ferry.memory.PageBitmap;
import java.util.Arrays;

/** Runs of pages of one block as gap, length, gap, length, ...: compact in memory and on the wire. Built by one thread. */
public final class PageRuns {
    private final int block;
    private long[] gapAndLength = new long[64];
    private int size;
    private long end;

    public PageRuns(int block) {
        this.block = block;
    }

    public int block() {
        return block;
    }

    /** In ascending order. */
    public void add(long firstPage, long pages) {
        if (firstPage < end || pages <= 0) {
            throw new IllegalArgumentException("run " + firstPage + ", +" + pages + " after page " + end);
        }
        append(firstPage - end, pages);
        end = firstPage + pages;
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
