package dev.ferry.memory;

/** Consecutive pages of one RAM block: {@code [firstPage, firstPage + pageCount)}, in pages of that block's size. */
public record PageRange(long firstPage, long pageCount) {
    public PageRange {
        if (firstPage < 0 || pageCount <= 0 || firstPage > Long.MAX_VALUE - pageCount) {
            throw new IllegalArgumentException("page range [" + firstPage + ", +" + pageCount + ")");
        }
    }

    public long endPage() {
        return firstPage + pageCount;
    }
}
