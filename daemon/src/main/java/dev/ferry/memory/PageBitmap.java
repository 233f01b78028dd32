package dev.ferry.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;

/**
 * One bit for each page of a RAM block, over memory that may be a mapped file, so that it outlives the daemon. Any thread
 * may read and write; single bits change atomically, ranges word by word. A set bit that another thread sees is ordered
 * after everything the setter did before.
 */
public final class PageBitmap {
    private static final VarHandle WORDS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private final ByteBuffer bytes;

    /** The same memory, for plain reads. */
    private final LongBuffer words;

    private final long pageCount;

    private PageBitmap(ByteBuffer bytes, long pageCount) {
        this.bytes = bytes;
        this.words = bytes.asLongBuffer();
        this.pageCount = pageCount;
    }

    /** All clear, outside the Java heap. */
    public static PageBitmap allocate(long pageCount) {
        return over(ByteBuffer.allocateDirect(sizeBytes(pageCount)), pageCount);
    }

    /** Over existing direct memory, whose bits are kept: {@link #sizeBytes} bytes, 8-byte aligned. */
    public static PageBitmap over(ByteBuffer direct, long pageCount) {
        if (!direct.isDirect() || direct.capacity() < sizeBytes(pageCount)) {
            throw new IllegalArgumentException("bitmap of " + pageCount + " pages over " + direct);
        }
        return new PageBitmap(direct.duplicate().clear().order(ByteOrder.nativeOrder()), pageCount);
    }

    /** Bytes that a bitmap of so many pages takes: whole 64-bit words. At most 2^33 pages (32 TiB of 4 KiB pages). */
    public static int sizeBytes(long pageCount) {
        if (pageCount < 0 || pageCount > (1L << 33)) {
            throw new IllegalArgumentException("bitmap of " + pageCount + " pages");
        }
        return Math.toIntExact((pageCount + 63) / 64 * 8);
    }

    public long pageCount() {
        return pageCount;
    }

    public boolean get(long page) {
        return (word(at(page)) & bit(page)) != 0;
    }

    /** Sets the bit; true if this call changed it, so that of several callers just one is told so. */
    public boolean set(long page) {
        return ((long) WORDS.getAndBitwiseOr(bytes, at(page), bit(page)) & bit(page)) == 0;
    }

    /** Clears the bit; true if this call changed it. */
    public boolean clear(long page) {
        return ((long) WORDS.getAndBitwiseAnd(bytes, at(page), ~bit(page)) & bit(page)) != 0;
    }

    /**
     * Sets clear bits from {@code firstPage} on until one that is set already, at most {@code atMost}; returns how many. Of
     * several callers each bit is set by just one.
     */
    public int setRun(long firstPage, int atMost) {
        long end = Math.min(pageCount, firstPage + atMost);
        long page = firstPage;
        while (page < end) {
            int at = at(page);
            int shift = (int) page & 63;
            long before = (long) WORDS.getVolatile(bytes, at);
            int clear = Math.min(Long.numberOfTrailingZeros(before >>> shift), 64 - shift);
            int n = (int) Math.min(clear, end - page);
            if (n == 0) {
                break;
            }
            long mask = (-1L >>> (64 - n)) << shift;
            if (WORDS.compareAndSet(bytes, at, before, before | mask)) {
                page += n;
            }
        }
        return (int) (page - firstPage);
    }

    /** Sets a range; returns how many bits this call changed. */
    public long setRange(long firstPage, long pages) {
        return change(firstPage, pages, true);
    }

    /** Clears a range; returns how many bits this call changed. */
    public long clearRange(long firstPage, long pages) {
        return change(firstPage, pages, false);
    }

    /** The first set page at or after {@code from}, or −1. */
    public long nextSet(long from) {
        return next(from, pageCount, 0L);
    }

    /** The first set page in {@code [from, to)}, or −1. */
    public long nextSet(long from, long to) {
        return next(from, Math.min(to, pageCount), 0L);
    }

    /** The first clear page at or after {@code from}, or −1. */
    public long nextClear(long from) {
        return next(from, pageCount, -1L);
    }

    /** The first clear page in {@code [from, to)}, or −1. */
    public long nextClear(long from, long to) {
        return next(from, Math.min(to, pageCount), -1L);
    }

    /** How many bits are set. */
    public long cardinality() {
        long n = 0;
        for (int i = 0; i < sizeBytes(pageCount) / 8; i++) {
            n += Long.bitCount(words.get(i));
        }
        return n;
    }

    /** Calls back for every run of set bits within {@code [from, to)}, in order, not longer than {@code maxPages}. */
    public void forEachSetRun(long from, long to, long maxPages, RunConsumer consumer) {
        long start = nextSet(from, to);
        while (start >= 0) {
            long end = nextClear(start, to);
            long stop = end < 0 ? Math.min(to, pageCount) : end;
            long page = start;
            while (page < stop) {
                long pages = Math.min(maxPages, stop - page);
                consumer.accept(page, pages);
                page += pages;
            }
            start = nextSet(stop, to);
        }
    }

    /** Receives runs of pages without a record for each. */
    @FunctionalInterface
    public interface RunConsumer {
        void accept(long firstPage, long pageCount);
    }

    private long change(long firstPage, long pages, boolean set) {
        if (firstPage < 0 || pages < 0 || firstPage > pageCount - pages) {
            throw new IndexOutOfBoundsException("pages [" + firstPage + ", +" + pages + ") of " + pageCount);
        }
        long changed = 0;
        long page = firstPage;
        long end = firstPage + pages;
        while (page < end) {
            long mask = -1L << (page & 63);
            long wordEnd = (page | 63) + 1;
            if (wordEnd > end) {
                mask &= -1L >>> (wordEnd - end);
            }
            int at = at(page);
            if (set) {
                changed += Long.bitCount(mask & ~(long) WORDS.getAndBitwiseOr(bytes, at, mask));
            } else {
                changed += Long.bitCount(mask & (long) WORDS.getAndBitwiseAnd(bytes, at, ~mask));
            }
            page = Math.min(wordEnd, end);
        }
        return changed;
    }

    /**
     * The first bit in {@code [from, to)} that is set once the words are XORed with {@code flip}. Plain reads: whoever needs
     * them ordered after a change of his own has made that change atomically.
     */
    private long next(long from, long to, long flip) {
        if (from >= to) {
            return -1;
        }
        int i = at(from) >>> 3;
        int last = at(to - 1) >>> 3;
        long word = (words.get(i) ^ flip) & (-1L << (from & 63));
        while (word == 0) {
            if (++i > last) {
                return -1;
            }
            word = words.get(i) ^ flip;
        }
        long page = i * 64L + Long.numberOfTrailingZeros(word);
        return page < to ? page : -1;
    }

    private long word(int at) {
        return (long) WORDS.getVolatile(bytes, at);
    }

    private int at(long page) {
        if (page < 0 || page >= pageCount) {
            throw new IndexOutOfBoundsException("page " + page + " of " + pageCount);
        }
        return (int) (page >>> 6) * 8;
    }

    private static long bit(long page) {
        return 1L << (page & 63);
    }
}
