package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.FaultQueue;
import dev.ferry.postcopy.GuestPages;
import java.nio.ByteBuffer;
import java.util.List;

/** In place of a committed guest that a restarted daemon did not find again: it has a name, and no memory. */
final class LostGuest implements ArrivingGuest, GuestPages {
    private final String name;
    private final String migrationId;
    private final GuestHost host;
    private final ArrivalMemory memory;

    LostGuest(String name, String migrationId, GuestHost host, NanoClock clock) {
        this.name = name;
        this.migrationId = migrationId;
        this.host = host;
        this.memory = new ArrivalMemory(List.of(), new PageBitmap[0], new PageBitmap[0], this, clock);
    }

    private FerryException lost() {
        return new FerryException(ErrorCategory.FAILED_PRECONDITION, "guest " + name + " is lost");
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<RamBlock> blocks() {
        return List.of();
    }

    @Override
    public ArrivalMemory memory() {
        return memory;
    }

    @Override
    public void writeSmall(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
        throw lost();
    }

    @Override
    public void zeroSmall(RamBlock block, long firstPage, long pages) {
        throw lost();
    }

    @Override
    public FaultQueue faults() {
        return FaultQueue.NONE;
    }

    @Override
    public void serveFaults() {
        throw lost();
    }

    @Override
    public void loadDeviceState(byte[] stream) {
        throw lost();
    }

    @Override
    public void cont() {
        throw lost();
    }

    @Override
    public void settle() {
        throw lost();
    }

    @Override
    public void forget() {}

    @Override
    public void fence(String reason) {}

    @Override
    public void freeze() {
        throw lost();
    }

    @Override
    public void thaw() {
        throw lost();
    }

    @Override
    public void end() {
        host.endLost(name, migrationId);
    }

    @Override
    public void remove() {
        host.removeLost(name, migrationId);
    }

    @Override
    public boolean isAlive() {
        return false;
    }

    @Override
    public void write(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
        throw lost();
    }

    @Override
    public void writeZeros(RamBlock block, long firstPage, long pages) {
        throw lost();
    }

    @Override
    public void map(RamBlock block, long firstPage, int pages) {
        throw lost();
    }

    @Override
    public void mapAhead(RamBlock block, long firstPage, int pages) {}

    @Override
    public void poison(RamBlock block, long firstPage, long pages) {
        throw lost();
    }

    @Override
    public void mapZero(RamBlock block, long page) {
        throw lost();
    }
}
