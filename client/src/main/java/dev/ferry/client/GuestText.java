package dev.ferry.client;

import dev.ferry.v1.Block;
import dev.ferry.v1.Guest;
import java.util.List;

/** Guests as people read them. */
final class GuestText {
    private GuestText() {}

    static String table(List<Guest> guests) {
        Table table = new Table("NAME", "STATUS", "PID", "MEMORY", "MACHINE", "QEMU", "MIGRATION");
        for (Guest g : guests) {
            table.row(
                    g.getName(),
                    g.getStatus().name(),
                    pid(g),
                    Units.bytes(g.getMemoryBytes()),
                    g.getMachine(),
                    g.getQemuVersion(),
                    g.getMigrationId());
        }
        return table.toString();
    }

    static String detail(Guest g) {
        Fields fields = new Fields()
                .add("guest", g.getName())
                .add("status", g.getStatus().name())
                .add(
                        "QEMU",
                        g.getQemuVersion() + ", pid " + pid(g) + (g.getAdopted() ? ", adopted" : ", started by ferryd"))
                .add("machine", g.getMachine())
                .add("QMP socket", g.getQmpSocket())
                .add("memory", Units.bytes(g.getMemoryBytes()))
                .add("migration", g.getMigrationId().isEmpty() ? "none" : g.getMigrationId());
        Table blocks = new Table("RAM BLOCK", "LENGTH", "PAGE", "BACKING", "KIND");
        for (Block b : g.getBlocksList()) {
            blocks.row(
                    b.getName(),
                    Units.bytes(b.getLengthBytes()),
                    Units.bytes(b.getPageSizeBytes()),
                    b.getBacking(),
                    b.getGuestRam() ? "guest RAM" : "device");
        }
        return fields + (g.getBlocksCount() == 0 ? "" : "\n" + blocks);
    }

    private static String pid(Guest g) {
        return g.getPid() == 0 ? "" : String.valueOf(g.getPid());
    }
}
