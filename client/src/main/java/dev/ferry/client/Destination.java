package dev.ferry.client;

import java.util.OptionalLong;

/** A destination of an evacuation, as last heard of. Changed by {@link Evacuation} only. */
final class Destination {
    final String address;
    private OptionalLong roomBytes = OptionalLong.empty();
    private long promisedBytes;
    private String why = "";
    private boolean isAway;
    private long awaySinceNs;
    private long askAgainNs;

    Destination(String address) {
        this.address = address;
    }

    /** @param room for guests; empty: it does not say */
    void answered(OptionalLong room) {
        isAway = false;
        roomBytes = room;
    }

    /** In a plan, of which the host knows nothing. */
    void promised(long bytes) {
        promisedBytes += bytes;
    }

    boolean mayHold(long bytes) {
        return roomBytes.isEmpty() || room() >= bytes;
    }

    /** @param pauseNs until it is asked again */
    void didNotAnswer(String reason, long nowNs, long pauseNs) {
        if (!isAway) {
            isAway = true;
            awaySinceNs = nowNs;
        }
        why = reason;
        askAgainNs = nowNs + pauseNs;
    }

    boolean mayBeAsked(long nowNs) {
        return !isAway || nowNs - askAgainNs >= 0;
    }

    /** Away for longer than anybody waits. */
    boolean isGivenUp(long nowNs, long limitNs) {
        return isAway && nowNs - awaySinceNs > limitNs;
    }

    String why() {
        return why;
    }

    /** Where nothing is said there may be none: such hosts come last. */
    long room() {
        return roomBytes.isEmpty() ? -1 : Math.max(0, roomBytes.getAsLong() - promisedBytes);
    }
}
