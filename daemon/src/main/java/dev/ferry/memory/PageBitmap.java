package dev.ferry.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One bit for each page of a RAM block, over memory that may be a mapped file, so that it outlives the daemon. Any thread
 * may read and write; single bits change atomically, ranges word by word. A set bit that another thread sees is ordered
 * after everything the setter did before.
 */
public final class PageBitmap {
    private static final VarHandle WORDS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private final ByteBuffer bytes;
    private final long pageCount;

    private PageBitmap(ByteBuffer bytes, long pageCount) {
        this.bytes = bytes;
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
        return next(from, 0L);
    }

    /** The first clear page at or after {@code from}, or −1. */
    public long nextClear(long from) {
        return next(from, -1L);
    }

    /** How many bits are set. */
    public long cardinality() {
        long n = 0;
        int end = sizeBytes(pageCount);
        for (int at = 0; at < end; at += 8) {
            n += Long.bitCount(word(at));
        }
        return n;
    }

    /** Calls back for every run of set bits within {@code [from, to)}, in order, not longer than {@code maxPages}. */
    public void forEachSetRun(long from, long to, long maxPages, RunConsumer consumer) {
        long start = nextSet(from);
        while (start >= 0 && start < to) {
            long end = nextClear(start);
            long stop = Math.min(end < 0 ? pageCount : end, to);
            for (long p = start; p < stop; p += maxPages) {
                consumer.accept(p, Math.min(maxPages, stop - p));
            }
            start = stop >= to ? -1 : nextSet(stop);
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

    /** The first bit at or after {@code from} that is set once the words are XORed with {@code flip}. */
    private long next(long from, long flip) {
        if (from >= pageCount) {
            return -1;
        }
        int at = at(from);
        long word = (word(at) ^ flip) & (-1L << (from & 63));
        int end = sizeBytes(pageCount);
        while (word == 0) {
            at += 8;
            if (at >= end) {
                return -1;
            }
            word = word(at) ^ flip;
        }
        long page = (at / 8L) * 64 + Long.numberOfTrailingZeros(word);
        return page < pageCount ? page : -1;
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
