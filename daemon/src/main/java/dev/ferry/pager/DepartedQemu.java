package dev.ferry.pager;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.Reason;
import dev.ferry.migration.SourceGuest;
import dev.ferry.precopy.SourceMemory;
import dev.ferry.qemu.GuestRegistry;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A guest that was given away and whose QEMU has ended here: because it had left, and the daemon died before it could say so,
 * or by itself, with the pages that had not left. The destination knows which.
 */
final class DepartedQemu implements SourceGuest {
    private final SourceMemory memory = new SourceMemory() {
        @Override
        public void startTracking() {
            throw gone();
        }

        @Override
        public void forEachPopulated(RamBlock block, PageBitmap.RunConsumer consumer) {
            throw gone();
        }

        @Override
        public void harvest(RamBlock block, PageBitmap.RunConsumer consumer) {
            throw gone();
        }

        @Override
        public void read(RamBlock block, long firstPage, int pages, ByteBuffer into, int index) {
            throw gone();
        }

        @Override
        public void stopTracking() {}
    };

    private final GuestRegistry registry;
    private final String name;

    DepartedQemu(GuestRegistry registry, String name) {
        this.registry = registry;
        this.name = name;
    }

    private FerryException gone() {
        return new FerryException(ErrorCategory.FAILED_PRECONDITION, "the QEMU of guest " + name + " has ended here");
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String qemuVersion() {
        throw gone();
    }

    @Override
    public String machine() {
        throw gone();
    }

    @Override
    public String definitionJson() {
        throw gone();
    }

    @Override
    public List<RamBlock> blocks() {
        return List.of();
    }

    @Override
    public List<Reason> preflight() {
        throw gone();
    }

    @Override
    public SourceMemory memory() {
        return memory;
    }

    @Override
    public boolean usesDirectIo() {
        throw gone();
    }

    @Override
    public void prepareDeviceState() {
        throw gone();
    }

    @Override
    public void warmUp() {}

    @Override
    public void stop() {
        throw gone();
    }

    @Override
    public byte[] saveDeviceState() {
        throw gone();
    }

    @Override
    public void cont() {
        throw gone();
    }

    @Override
    public void depart(boolean keep) {
        registry.forgetDeparted(name);
    }

    @Override
    public boolean isAlive() {
        return false;
    }

    @Override
    public boolean hasMemory() {
        return false;
    }

    @Override
    public void close() {}
}
