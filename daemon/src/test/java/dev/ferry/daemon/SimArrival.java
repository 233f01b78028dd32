package dev.ferry.daemon;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.ArrivingGuest;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.FaultQueue;
import dev.ferry.postcopy.GuestPages;
import java.nio.ByteBuffer;
import java.util.List;

/** The simulated guest as a guest that arrives, in the hands of one daemon. */
final class SimArrival implements ArrivingGuest, GuestPages {
    private static final long LOAD_LIMIT_NS = 25_000_000_000L;

    private final SimDaemon daemon;
    private final SimQemu qemu;
    private final ArrivalMemory memory;

    SimArrival(SimDaemon daemon, SimQemu qemu) {
        this.daemon = daemon;
        this.qemu = qemu;
        this.memory = new ArrivalMemory(
                SimQemu.BLOCKS.subList(0, SimQemu.RAM_BLOCKS), qemu.valid, qemu.written, this, daemon);
    }

    private void living() {
        daemon.port();
        if (!qemu.alive) {
            throw new FerryException(ErrorCategory.UNAVAILABLE, "QEMU has ended");
        }
    }

    @Override
    public String name() {
        return SimQemu.GUEST;
    }

    @Override
    public List<RamBlock> blocks() {
        return SimQemu.BLOCKS;
    }

    @Override
    public ArrivalMemory memory() {
        return memory;
    }

    @Override
    public void writeSmall(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
        living();
        for (int i = 0; i < pages; i++) {
            qemu.content[block.index()][(int) firstPage + i] =
                    SimQemu.get(block, data, index + i * block.pageSizeBytes());
        }
    }

    @Override
    public void zeroSmall(RamBlock block, long firstPage, long pages) {
        living();
        for (long p = firstPage; p < firstPage + pages; p++) {
            qemu.content[block.index()][(int) p] = 0;
        }
    }

    @Override
    public FaultQueue faults() {
        return FaultQueue.NONE;
    }

    /** Wakes everybody: messages that an earlier daemon has read come again. */
    @Override
    public void serveFaults() {
        daemon.port();
        qemu.server = daemon;
        qemu.serving = memory;
        for (RamBlock block : blocks()) {
            qemu.wake(block, 0, (int) block.pageCount());
        }
    }

    @Override
    public void loadDeviceState(byte[] stream) {
        living();
        long endNs = daemon.nanoTime() + LOAD_LIMIT_NS;
        for (int i = 0; i < 3; i++) {
            RamBlock block = SimQemu.BLOCKS.get(i % SimQemu.RAM_BLOCKS);
            qemu.loader = new SimQemu.Access(block, daemon.world.pick((int) block.pageCount()), false);
            while (!daemon.world.touch(qemu, qemu.loader)) {
                daemon.world.advance(100_000_000);
                living();
                if (daemon.nanoTime() > endNs) {
                    throw new FerryException(ErrorCategory.DEADLINE_EXCEEDED, "the device state does not load");
                }
            }
            qemu.loader = null;
        }
        qemu.loaded = true;
        living();
    }

    @Override
    public void cont() {
        living();
        daemon.world.resume(qemu);
        daemon.port();
    }

    @Override
    public void settle() {
        living();
        daemon.world.settle(qemu);
        daemon.port();
        daemon.host.registered = qemu;
        daemon.port();
    }

    @Override
    public void forget() {
        daemon.port();
        daemon.host.arrivals.remove(qemu.migration);
    }

    @Override
    public void fence(String reason) {
        daemon.port();
        daemon.world.endArrival(qemu);
        daemon.port();
    }

    @Override
    public void freeze() {
        daemon.port();
        qemu.frozen = true;
        daemon.port();
    }

    @Override
    public void thaw() {
        daemon.port();
        qemu.frozen = false;
        daemon.port();
    }

    @Override
    public void end() {
        daemon.port();
        daemon.world.endLost(qemu);
        daemon.port();
    }

    @Override
    public void remove() {
        daemon.port();
        daemon.host.arrivals.remove(qemu.migration);
    }

    @Override
    public void poison(RamBlock block, long firstPage, long pages) {
        daemon.port();
        daemon.world.poison(qemu, block, (int) firstPage, (int) pages);
        daemon.port();
    }

    @Override
    public boolean isAlive() {
        daemon.throwIfKilled();
        return qemu.alive;
    }

    @Override
    public void write(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
        daemon.port();
        for (int i = 0; i < pages; i++) {
            daemon.world.place(
                    qemu, block, (int) firstPage + i, SimQemu.get(block, data, index + i * block.pageSizeBytes()));
        }
        daemon.port();
    }

    @Override
    public void writeZeros(RamBlock block, long firstPage, long pages) {
        daemon.port();
        for (long p = firstPage; p < firstPage + pages; p++) {
            daemon.world.place(qemu, block, (int) p, 0);
        }
        daemon.port();
    }

    @Override
    public void map(RamBlock block, long firstPage, int pages) {
        daemon.port();
        daemon.world.memoryMayBeShort();
        qemu.map(block, (int) firstPage, pages);
    }

    @Override
    public void mapAhead(RamBlock block, long firstPage, int pages) {
        daemon.throwIfKilled();
        qemu.mapped[block.index()].set((int) firstPage, (int) firstPage + pages);
    }

    @Override
    public void mapZero(RamBlock block, long page) {
        daemon.port();
        daemon.world.memoryMayBeShort();
        qemu.map(block, (int) page, 1);
    }
}
