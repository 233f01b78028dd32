package dev.ferry.qemu;

import dev.ferry.memory.RamBlock;
import dev.ferry.migration.Reason;
import java.util.List;

/** Why a guest cannot leave, or cannot arrive. Reads only. */
public final class Preflight {
    private Preflight() {}

    /** Of a running guest on the source: VFIO, foreign mappers, blocks without address, missing commands, kernel, privileges. */
    public static List<Reason> source(QemuGuest guest) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Of a host that should take it: memory in ramDir, kernel, emulator, machine type. */
    public static List<Reason> destination(
            HostProfile host, GuestDefinition definition, List<RamBlock> blocks, String qemuVersion, String machine) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Of a destination QEMU that is there: incoming state, machine type, block layout. */
    public static List<Reason> incoming(QemuGuest guest, List<RamBlock> sourceBlocks, String machine) {
        throw new UnsupportedOperationException("skeleton");
    }
}
