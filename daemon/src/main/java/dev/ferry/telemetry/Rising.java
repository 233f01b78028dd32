package dev.ferry.telemetry;

/** A counter that never falls, over restarts of daemons. One thread. */
final class Rising {
    private final boolean mayBeginAnew;
    private long value;
    private long raw;

    /**
     * @param value of the last one of an earlier daemon
     * @param mayBeginAnew what is read may begin again at zero at any time, because somebody else's daemon counts it. If not, it does
     *     so only before the first reading, and one that is less is one that was read too early
     */
    Rising(long value, boolean mayBeginAnew) {
        this.mayBeginAnew = mayBeginAnew;
        this.value = value;
        this.raw = mayBeginAnew ? value : -1;
    }

    long read(long now) {
        if (raw < 0) {
            raw = now >= value ? value : 0;
        }
        if (now >= raw) {
            value += now - raw;
            raw = now;
        } else if (mayBeginAnew) {
            value += now;
            raw = now;
        }
        return value;
    }
}
