package dev.ferry.daemon;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.Reason;
import dev.ferry.migration.SourceGuest;
import dev.ferry.precopy.SourceMemory;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;

/** The simulated guest as a guest that leaves. */
final class SimSource implements SourceGuest, SourceMemory {
    private final SimDaemon daemon;

    /** Null: it has ended, and with it its memory. */
    private final SimQemu qemu;

    SimSource(SimDaemon daemon, SimQemu qemuOrNull) {
        this.daemon = daemon;
        this.qemu = qemuOrNull;
    }

    private SimQemu living() {
        daemon.port();
        return at();
    }

    /** Without anything meanwhile. */
    private SimQemu at() {
        daemon.throwIfKilled();
        if (qemu == null || !qemu.alive) {
            throw new FerryException(ErrorCategory.FAILED_PRECONDITION, "QEMU has ended");
        }
        return qemu;
    }

    @Override
    public String name() {
        return SimQemu.GUEST;
    }

    @Override
    public String qemuVersion() {
        return "7.2.22";
    }

    @Override
    public String machine() {
        return "pc-q35-7.2";
    }

    @Override
    public String definitionJson() {
        return "{}";
    }

    @Override
    public List<RamBlock> blocks() {
        return qemu == null ? List.of() : SimQemu.BLOCKS;
    }

    @Override
    public List<Reason> preflight() {
        return List.of();
    }

    @Override
    public SourceMemory memory() {
        return this;
    }

    @Override
    public boolean usesDirectIo() {
        return false;
    }

    @Override
    public void prepareDeviceState() {
        living();
    }

    @Override
    public void warmUp() {
        at();
    }

    @Override
    public void stop() {
        living().running = false;
        daemon.port();
    }

    @Override
    public byte[] saveDeviceState() {
        living();
        return new byte[] {1};
    }

    @Override
    public void cont() {
        daemon.world.resume(living());
        daemon.port();
    }

    @Override
    public void depart(boolean keep) {
        daemon.port();
        if (qemu != null) {
            daemon.world.depart(qemu);
            daemon.host.registered = null;
        }
        daemon.port();
    }

    @Override
    public boolean isAlive() {
        daemon.port();
        return qemu != null && qemu.alive;
    }

    @Override
    public boolean hasMemory() {
        return isAlive();
    }

    @Override
    public void close() {
        daemon.port();
    }

    @Override
    public void startTracking() {
        SimQemu q = living();
        q.tracked = true;
        for (BitSet d : q.dirty) {
            d.clear();
        }
        daemon.port();
    }

    @Override
    public void forEachPopulated(RamBlock block, PageBitmap.RunConsumer consumer) {
        forEachRun((BitSet) living().populated[block.index()].clone(), consumer);
    }

    @Override
    public void harvest(RamBlock block, PageBitmap.RunConsumer consumer) {
        SimQemu q = living();
        if (!q.tracked) {
            throw new IllegalStateException("a harvest without tracking");
        }
        BitSet found = (BitSet) q.dirty[block.index()].clone();
        q.dirty[block.index()].clear();
        forEachRun(found, consumer);
    }

    private static void forEachRun(BitSet pages, PageBitmap.RunConsumer consumer) {
        for (int from = pages.nextSetBit(0); from >= 0; ) {
            int to = pages.nextClearBit(from);
            consumer.accept(from, to - from);
            from = pages.nextSetBit(to);
        }
    }

    @Override
    public void read(RamBlock block, long firstPage, int pages, ByteBuffer into, int index) {
        SimQemu q = at();
        for (int i = 0; i < pages; i++) {
            SimQemu.put(block, into, index + i * block.pageSizeBytes(), q.content[block.index()][(int) firstPage + i]);
        }
    }

    @Override
    public void stopTracking() {
        daemon.port();
        if (qemu != null) {
            qemu.tracked = false;
        }
    }
}
