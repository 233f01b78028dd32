package dev.ferry.client;

import dev.ferry.v1.Migration;
import java.util.List;

/** Migrations in a list. */
final class MigrationTable {
    private MigrationTable() {}

    static String of(List<Migration> migrations) {
        Table table = new Table("ID", "GUEST", "STATE", "RUNS ON", "PEER", "REMAINING", "DOWNTIME", "TOTAL");
        for (Migration m : migrations) {
            table.row(
                    m.getId(),
                    m.getGuest(),
                    m.getState().name(),
                    m.getRunsOn().name(),
                    m.getPeer(),
                    Whereabouts.hasEnded(m) ? "" : Units.bytes(m.getMemoryRemainingBytes()),
                    m.getDowntimePhasesCount() == 0 ? "" : Units.duration(m.getDowntimeMs()),
                    Units.duration(m.getTotalMs()));
        }
        return table.toString();
    }
}
