package dev.ferry.client;

/**
 * How long a wait bears with a daemon that is away.
 *
 * @param lostMs without a word from it, until the wait is given up
 * @param silentMs without a message on an open stream, until it is taken as lost; ferryd sends one an interval
 * @param retryMs between two tries
 * @param fullMs for a place at destinations that have none, while nothing changes
 */
record Patience(long lostMs, long silentMs, long retryMs, long fullMs) {
    private static final long USUAL_FULL_MS = 600_000;

    /** A daemon restarts within seconds; a host that reboots does not bring the migration back. */
    static final Patience USUAL = new Patience(60_000, 10_000, 500);

    Patience(long lostMs, long silentMs, long retryMs) {
        this(lostMs, silentMs, retryMs, USUAL_FULL_MS);
    }
}
