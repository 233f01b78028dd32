package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.Side;

/** Where a guest is, and how its migration ended. */
final class Whereabouts {
    private Whereabouts() {}

    static boolean hasEnded(Migration m) {
        return switch (m.getState()) {
            case COMPLETED, CANCELLED, FAILED -> true;
            case PREPARING, PRECOPY, SWITCHOVER, POSTCOPY, RECOVERING, MIGRATION_STATE_UNSPECIFIED, UNRECOGNIZED ->
                false;
        };
    }

    /** {@code the destination, 10.0.0.2:7420} */
    static String of(Migration m) {
        return switch (m.getRunsOn()) {
            case SOURCE -> "the source, " + host(m, Side.SOURCE);
            case DESTINATION -> "the destination, " + host(m, Side.DESTINATION);
            case SIDE_UNSPECIFIED, UNRECOGNIZED -> "a side that ferryd did not name";
        };
    }

    private static String host(Migration m, Side side) {
        return m.getSide() == side ? "this host" : m.getPeer();
    }

    /** For a migration that did not do what was asked. */
    static String ofUndone(Migration m) {
        String what = "migration " + m.getId() + " of guest " + m.getGuest()
                + switch (m.getState()) {
                    case CANCELLED -> " was cancelled";
                    default -> " failed: " + (m.getError().isEmpty() ? m.getReason() : m.getError());
                };
        return what + (what.endsWith(".") ? "" : ".") + " The guest is on " + of(m) + ".";
    }
}
