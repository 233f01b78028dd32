package dev.ferry.migration;

/**
 * What the destination does when pages can no longer be had: the source says that they are gone, or it has been away for
 * longer than the limit. Whatever it is, they never become zeros.
 *
 * @param limitNs how long the source may be away
 */
public record LostPagePolicy(Action action, long limitNs) {
    /** Names as the API has them. */
    public enum Action {
        /** Threads that touch one wait for it. */
        WAIT,
        /** The whole guest is stopped until somebody says otherwise. */
        STOP,
        /** They are poisoned for good: whoever touches one gets a memory error. */
        POISON
    }

    /** As long as it takes: what can be recovered from is recovered from by itself. */
    public static LostPagePolicy defaults() {
        return new LostPagePolicy(Action.WAIT, 300_000_000_000L);
    }
}
