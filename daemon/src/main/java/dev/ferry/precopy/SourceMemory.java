package dev.ferry.precopy;

import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.memory.RunList;
import java.nio.ByteBuffer;

/**
 * The memory of a guest that leaves, as pre-copy and post-copy need it. Reading one run may be done from any thread; the
 * rest belongs to the migration's owner thread.
 */
public interface SourceMemory {
    /** Write-protects every block, so that from here every write is seen by {@link #harvest}. */
    void startTracking();

    /** Runs of pages that hold something; every other page reads as zero. Pages populated later are harvested as written. */
    void forEachPopulated(RamBlock block, PageBitmap.RunConsumer consumer);

    /** Runs of pages written since the last harvest (or the start), protected again in the same step. In no order; too much at times. */
    void harvest(RamBlock block, PageBitmap.RunConsumer consumer);

    /** Reads whole pages to an index of a direct buffer; leaves position and limit alone. */
    void read(RamBlock block, long firstPage, int pages, ByteBuffer into, int index);

    /** Reads all runs, one behind the other, from index 0 on. */
    default void read(RamBlock block, RunList runs, ByteBuffer into) {
        int index = 0;
        for (int i = 0; i < runs.size(); i++) {
            int pages = (int) runs.pageCount(i);
            read(block, runs.firstPage(i), pages, into, index);
            index += pages * block.pageSizeBytes();
        }
    }

    /** Undoes {@link #startTracking}: nothing is left in the guest's process. Harmless twice. */
    void stopTracking();
}
