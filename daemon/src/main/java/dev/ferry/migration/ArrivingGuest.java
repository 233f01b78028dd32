package dev.ferry.migration;

import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.FaultQueue;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A guest that arrives: a QEMU with -S and -incoming, whose memory is registered and empty. Calls are serialised by its
 * migration, except the page methods of {@link #memory}.
 */
public interface ArrivingGuest {
    String name();

    /** All blocks, by the source's index. */
    List<RamBlock> blocks();

    /** Guest RAM. */
    ArrivalMemory memory();

    /** Pages of a small block (firmware, video memory), from an index of a direct buffer. Before the switch only. */
    void writeSmall(RamBlock block, long firstPage, int pages, ByteBuffer data, int index);

    void zeroSmall(RamBlock block, long firstPage, long pages);

    /** Its faults, for whoever can read them without a change of threads. */
    FaultQueue faults();

    /** Starts to serve faults: the memory has been armed. */
    void serveFaults();

    /** Returns when the state is loaded and the guest could run. */
    void loadDeviceState(byte[] stream);

    /** Runs the guest: only after the commit. Harmless when it runs already. */
    void cont();

    /**
     * Every page is valid: unregisters, leaves nothing in its process, and makes it an ordinary guest of this host. Goes on
     * where an attempt failed, also that of an earlier daemon.
     */
    void settle();

    /** After {@link #settle}, when the journal says so: what would have been needed to go on with it is removed. */
    void forget();

    /** Ends its QEMU and removes its RAM; harmless twice. Never after {@link #cont} was tried and may have worked. */
    void fence(String reason);

    /** Its QEMU and all of its threads stand where they are, also one that waits for a page. Harmless twice. */
    void freeze();

    /** Undoes {@link #freeze}; harmless when it runs. */
    void thaw();

    /** After the commit: ends whatever is left of its QEMU, for good. Harmless when it has ended. */
    void end();

    /** After {@link #end}: its RAM, its directory and what a later daemon would have needed are removed. Harmless twice. */
    void remove();

    /** Why its QEMU has ended, or empty while it lives. */
    boolean isAlive();
}
