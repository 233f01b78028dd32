package dev.ferry.migration;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/** The states of a migration, and the table of every legal change. The names are those of the API. */
public enum MigrationState {
    PREPARING,
    PRECOPY,
    SWITCHOVER,
    POSTCOPY,
    RECOVERING,
    COMPLETED,
    CANCELLED,
    FAILED;

    private static final Map<MigrationState, Set<MigrationState>> LEGAL = new EnumMap<>(MigrationState.class);

    static {
        LEGAL.put(PREPARING, EnumSet.of(PRECOPY, SWITCHOVER, CANCELLED, FAILED));
        LEGAL.put(PRECOPY, EnumSet.of(SWITCHOVER, CANCELLED, FAILED));
        LEGAL.put(SWITCHOVER, EnumSet.of(POSTCOPY, RECOVERING, CANCELLED, FAILED));
        LEGAL.put(POSTCOPY, EnumSet.of(RECOVERING, COMPLETED, FAILED));
        // Back to CANCELLED or FAILED only when the destination said that it never ran the guest.
        LEGAL.put(RECOVERING, EnumSet.of(POSTCOPY, COMPLETED, CANCELLED, FAILED));
        LEGAL.put(COMPLETED, EnumSet.noneOf(MigrationState.class));
        LEGAL.put(CANCELLED, EnumSet.noneOf(MigrationState.class));
        LEGAL.put(FAILED, EnumSet.noneOf(MigrationState.class));
    }

    public boolean mayBecome(MigrationState next) {
        return LEGAL.get(this).contains(next);
    }

    public boolean hasEnded() {
        return LEGAL.get(this).isEmpty();
    }
}
