package dev.ferry.migration;

import dev.ferry.memory.RamBlock;
import java.nio.ByteBuffer;

/** Answers page requests at the source, on the demand connection's event loop. */
public interface DemandSource {
    /** INVALID_ARGUMENT for a block that does not exist. */
    RamBlock block(int index);

    /** Reads the pages to index 0 of the direct buffer and marks them sent; false: they are all zero and nothing was read. */
    boolean read(RamBlock block, long firstPage, int count, ByteBuffer into);
}
