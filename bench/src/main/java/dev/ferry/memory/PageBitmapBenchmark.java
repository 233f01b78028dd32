package dev.ferry.memory;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** The bitmap of a guest of so many GiB, of which a share of the pages is set in random places: whole scans and single bits. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class PageBitmapBenchmark {
    private static final long PAGES_PER_GIB = 1L << 18;
    private static final long LONGEST_RUN = 1L << 30;

    @Param({"1", "1024"})
    public int gib;

    @Param({"1000"})
    public int pagesPerSetPage;

    private PageBitmap bitmap;
    private long pages;
    private long next;

    @Setup
    public void fill() {
        pages = gib * PAGES_PER_GIB;
        bitmap = PageBitmap.allocate(pages);
        Random random = new Random(1);
        for (long i = 0; i < pages / pagesPerSetPage; i++) {
            bitmap.set(random.nextLong(pages));
        }
    }

    @Benchmark
    public long cardinality() {
        return bitmap.cardinality();
    }

    @Benchmark
    public long everySetRun() {
        long[] sum = new long[1];
        bitmap.forEachSetRun(0, pages, LONGEST_RUN, (first, count) -> sum[0] += first + count);
        return sum[0];
    }

    /** As for every page that is placed. */
    @Benchmark
    @OutputTimeUnit(TimeUnit.NANOSECONDS)
    public boolean setAndClear() {
        next = (next + 5209) % pages;
        return bitmap.set(next) == bitmap.clear(next);
    }
}
