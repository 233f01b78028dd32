package dev.ferry.memory;

import java.util.Arrays;

/** Runs of pages of one block, ascending. Reused, so that filling it allocates nothing. Owned by one thread. */
public final class RunList {
    /** As many as one call of process_vm_readv(2) takes, and few enough that a message stays small. */
    public static final int MAX_RUNS = 512;

    private long[] first = new long[1];
    private long[] pages = new long[1];
    private boolean[] zero = new boolean[1];
    private int size;
    private long total;

    public void clear() {
        size = 0;
        total = 0;
    }

    /** @param isZero the pages hold only zeros */
    public void add(long firstPage, long pageCount, boolean isZero) {
        if (size == MAX_RUNS || (size > 0 && firstPage < endPage())) {
            throw new IllegalStateException(
                    "page " + firstPage + " behind " + size + " runs that end at page " + endPage());
        }
        if (size == first.length) {
            first = Arrays.copyOf(first, MAX_RUNS);
            pages = Arrays.copyOf(pages, MAX_RUNS);
            zero = Arrays.copyOf(zero, MAX_RUNS);
        }
        first[size] = firstPage;
        pages[size] = pageCount;
        zero[size++] = isZero;
        total += pageCount;
    }

    public void copyFrom(RunList other) {
        clear();
        for (int i = 0; i < other.size; i++) {
            add(other.first[i], other.pages[i], other.zero[i]);
        }
    }

    public int size() {
        return size;
    }

    /** The end of the last run; 0 if there is none. */
    public long endPage() {
        return size == 0 ? 0 : first[size - 1] + pages[size - 1];
    }

    public boolean isFull() {
        return size == MAX_RUNS;
    }

    public long firstPage(int run) {
        return first[checked(run)];
    }

    public long pageCount(int run) {
        return pages[checked(run)];
    }

    public boolean isZero(int run) {
        return zero[checked(run)];
    }

    /** Pages of all runs. */
    public long totalPages() {
        return total;
    }

    private int checked(int run) {
        if (run >= size) {
            throw new IndexOutOfBoundsException("run " + run + " of " + size);
        }
        return run;
    }
}
