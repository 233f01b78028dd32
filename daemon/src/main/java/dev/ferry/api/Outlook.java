package dev.ferry.api;

import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.Side;

/** What happens next with a migration, for people. docs/operations.md says more about each. */
final class Outlook {
    private Outlook() {}

    static String of(MigrationSnapshot s) {
        String here = s.side() == Side.SOURCE ? " " + s.id() : " " + s.id() + " at the source";
        return switch (s.state()) {
            case PREPARING -> "pre-copy begins when the destination is ready, within a minute";
            case PRECOPY ->
                "the guest is switched when little enough is left or the limits of pre-copy are reached; ferry postcopy"
                        + here + ": now";
            case SWITCHOVER -> "the guest runs at the destination within milliseconds, or goes on at the source";
            case POSTCOPY -> "it completes when every page has arrived; there is no way back";
            case RECOVERING ->
                s.guestStopped()
                        ? "nothing by itself: ferry resume " + s.id() + " lets the guest go on"
                        : "it goes on by itself as soon as the other daemon answers and has what is missing; threads of the guest"
                                + " that need a missing page wait until then";
            case COMPLETED, CANCELLED, FAILED -> "";
        };
    }
}
