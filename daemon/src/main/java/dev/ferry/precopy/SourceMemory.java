package dev.ferry.precopy;

import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import java.nio.ByteBuffer;

/**
 * The memory of a guest that leaves, as pre-copy and post-copy need it. {@link #read} may be called from any thread; the
 * rest belongs to the migration's owner thread.
 */
public interface SourceMemory {
    /** Write-protects every block, so that from here every write is seen by {@link #harvest}. */
    void startTracking();

    /** Runs of pages that hold something; every other page reads as zero. Pages populated later are harvested as written. */
    void forEachPopulated(RamBlock block, PageBitmap.RunConsumer consumer);

    /** Runs of pages written since the last harvest (or the start), protected again in the same step. */
    void harvest(RamBlock block, PageBitmap.RunConsumer consumer);

    /** Reads whole pages to index 0 of a direct buffer; leaves position and limit alone. */
    void read(RamBlock block, long firstPage, int pages, ByteBuffer into);

    /** Undoes {@link #startTracking}: nothing is left in the guest's process. Harmless twice. */
    void stopTracking();
}
