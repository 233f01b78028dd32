package dev.ferry.postcopy;

import dev.ferry.memory.RamBlock;
import java.nio.ByteBuffer;

/**
 * The memory of a guest that arrives. Any thread. Nothing here decides whether a page may be written: that is
 * {@link ArrivalMemory}. No method allocates in steady state.
 */
public interface GuestPages {
    /** Writes whole pages from index 0 of a direct buffer; they are not mapped in the guest by this. RESOURCE_EXHAUSTED when there is no memory. */
    void write(RamBlock block, long firstPage, int pages, ByteBuffer data, int index);

    /** Writes zeros over pages that hold older content. */
    void writeZeros(RamBlock block, long firstPage, long pages);

    /** Maps pages that were written and wakes who waits; a page that is mapped already is woken as well. */
    void map(RamBlock block, long firstPage, int pages);

    /** Maps pages that were written, before anybody waits for them; what is mapped already, or cannot be, is passed over. */
    void mapAhead(RamBlock block, long firstPage, int pages);

    /**
     * For good: whoever waits for one of these pages or touches it gets a memory error. Only pages that were never mapped; of a
     * page that is poisoned already, whoever waits is woken.
     */
    void poison(RamBlock block, long firstPage, long pages);

    /** Maps a zero page where nothing was ever written, and wakes. */
    void mapZero(RamBlock block, long page);
}
