package dev.ferry.postcopy;

import dev.ferry.memory.RamBlock;

/** Asks the source for pages. Called on the fault reader's thread; never blocks, never throws: a lost request is repeated after a reconnect. */
@FunctionalInterface
public interface PageRequester {
    void request(RamBlock block, long firstPage, int pages);
}
