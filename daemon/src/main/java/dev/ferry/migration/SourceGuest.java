package dev.ferry.migration;

import dev.ferry.memory.RamBlock;
import dev.ferry.precopy.SourceMemory;
import java.util.List;

/** A guest that leaves. Owned by its migration's thread. Closing it lets go of QMP and memory; the guest goes on. */
public interface SourceGuest extends AutoCloseable {
    String name();

    String qemuVersion();

    String machine();

    /** Travels to the destination; see IncomingSpec. */
    String definitionJson();

    /** By index. */
    List<RamBlock> blocks();

    /** Everything against its leaving. Reads only. */
    List<Reason> preflight();

    SourceMemory memory();

    /** DMA of its disks may write to pages behind the page tables (O_DIRECT); see docs/decisions. */
    boolean usesDirectIo();

    /** Whatever can be done before the stop. */
    void prepareDeviceState();

    /** Asks its QEMU something that changes nothing and is answered at once. */
    void warmUp();

    /** The vCPUs stand when this returns. */
    void stop();

    /** Of the stopped guest: a complete migration stream without RAM. Hands the disks over. */
    byte[] saveDeviceState();

    /** Lets the guest go on here; also after {@link #saveDeviceState}. */
    void cont();

    /** The guest has left for good: ends its QEMU and frees its RAM, or (keep) leaves it paused. */
    void depart(boolean keep);

    /** Its QEMU has not ended. */
    boolean isAlive();

    /** Its pages can be read: from its QEMU, or because they are all in files, which outlive it. */
    boolean hasMemory();

    @Override
    void close();
}
