package dev.ferry.api;

import dev.ferry.migration.GuestControl;
import dev.ferry.v1.Block;
import dev.ferry.v1.Guest;
import dev.ferry.v1.GuestStatus;

/** Guests as the API's messages. */
final class GuestMessages {
    private GuestMessages() {}

    static Guest of(GuestControl.GuestView g) {
        Guest.Builder guest = Guest.newBuilder()
                .setName(g.name())
                .setStatus(GuestStatus.valueOf(g.status()))
                .setPid(g.pid())
                .setQmpSocket(g.qmpSocket())
                .setQemuVersion(g.qemuVersion())
                .setMachine(g.machine())
                .setMemoryBytes(g.memoryBytes())
                .setMigrationId(g.migrationId())
                .setAdopted(g.adopted())
                .setDefinitionToml(g.definitionToml());
        g.blocks()
                .forEach(b -> guest.addBlocks(Block.newBuilder()
                        .setName(b.name())
                        .setLengthBytes(b.lengthBytes())
                        .setPageSizeBytes(b.pageSizeBytes())
                        .setBacking(b.backing())
                        .setGuestRam(b.guestRam())));
        return guest.build();
    }
}
