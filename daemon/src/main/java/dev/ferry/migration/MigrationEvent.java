package dev.ferry.migration;

/**
 * Something that happened to a migration.
 *
 * @param atNs since the migration began
 * @param state at that moment
 * @param text for people; may hold what a peer or QEMU has said
 * @param times of the same kind in a row, put together; the time is that of the first
 */
public record MigrationEvent(long atNs, Kind kind, MigrationState state, String text, long times) {
    /** The names are those of the API. */
    public enum Kind {
        STATE,
        REASON,
        ROUND,
        PRECOPY_ENDED,
        LIMITS,
        RECOVERY,
        DAMAGED,
        REFUSED,
        GUEST_STOPPED,
        GUEST_RESUMED,
        POISONED
    }
}
