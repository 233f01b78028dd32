package dev.ferry.pager;

import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.GuestPages;
import java.nio.ByteBuffer;

/** Of a guest whose pages are all valid and whose pager is gone: nobody writes to it and nobody waits. */
final class NoPages implements GuestPages {
    private static IllegalStateException none() {
        return new IllegalStateException("every page is valid");
    }

    @Override
    public void write(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
        throw none();
    }

    @Override
    public void writeZeros(RamBlock block, long firstPage, long pages) {
        throw none();
    }

    @Override
    public void map(RamBlock block, long firstPage, int pages) {
        throw none();
    }

    @Override
    public void mapAhead(RamBlock block, long firstPage, int pages) {}

    @Override
    public void poison(RamBlock block, long firstPage, long pages) {
        throw none();
    }

    @Override
    public void mapZero(RamBlock block, long page) {
        throw none();
    }
}
