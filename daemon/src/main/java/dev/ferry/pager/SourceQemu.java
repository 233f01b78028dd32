package dev.ferry.pager;

import dev.ferry.memory.RamBlock;
import dev.ferry.migration.Reason;
import dev.ferry.migration.SourceGuest;
import dev.ferry.precopy.SourceMemory;
import dev.ferry.qemu.GuestRegistry;
import dev.ferry.qemu.Preflight;
import dev.ferry.qemu.QemuGuest;
import dev.ferry.qemu.QemuRamBlock;
import java.time.Duration;
import java.util.List;

/** A guest of the registry on its way out. The registry keeps the QMP connection; closing this does not touch the guest. */
final class SourceQemu implements SourceGuest {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final GuestRegistry registry;
    private final QemuGuest guest;
    private final OutOfMemory outOfMemory;
    private ProcessSourceMemory memory;

    /** By this object: a check of a guest whose migration runs must leave that migration's device state alone. */
    private boolean prepared;

    SourceQemu(GuestRegistry registry, String name) {
        this.registry = registry;
        this.guest = registry.guest(name);
        this.outOfMemory = new OutOfMemory(guest.process());
    }

    @Override
    public String name() {
        return guest.name();
    }

    @Override
    public String qemuVersion() {
        return guest.version();
    }

    @Override
    public String machine() {
        return guest.machine();
    }

    @Override
    public String definitionJson() {
        return registry.definition(guest.name()).toJson();
    }

    @Override
    public List<RamBlock> blocks() {
        return guest.blocks().stream().map(QemuRamBlock::block).toList();
    }

    @Override
    public List<Reason> preflight() {
        return Preflight.source(guest);
    }

    /** Opened late: after the preflight has said that every block can be read. */
    @Override
    public synchronized SourceMemory memory() {
        if (memory == null) {
            memory = new ProcessSourceMemory(guest);
        }
        return memory;
    }

    @Override
    public boolean usesDirectIo() {
        return guest.usesDirectIo();
    }

    @Override
    public void prepareDeviceState() {
        prepared = true;
        guest.prepareDeviceState();
    }

    @Override
    public void warmUp() {
        guest.status();
    }

    @Override
    public void stop() {
        outOfMemory.spare();
        guest.stop(LIMIT);
    }

    @Override
    public byte[] saveDeviceState() {
        return guest.saveDeviceState(LIMIT);
    }

    @Override
    public void cont() {
        guest.cont(LIMIT);
        outOfMemory.spareNoMore();
    }

    @Override
    public void depart(boolean keep) {
        if (!keep) {
            guest.releaseDeviceState();
            guest.quit(LIMIT);
            registry.forgetDeparted(guest.name());
        }
    }

    @Override
    public boolean isAlive() {
        return guest.process().isAlive();
    }

    @Override
    public boolean hasMemory() {
        return isAlive()
                || guest.blocks().stream()
                        .allMatch(b -> !b.block().guestRam() || b.backing().kind() != QemuRamBlock.Kind.PRIVATE);
    }

    @Override
    public synchronized void close() {
        try {
            if (prepared) {
                guest.releaseDeviceState();
            }
        } finally {
            if (memory != null) {
                memory.close();
                memory = null;
            }
        }
    }
}
