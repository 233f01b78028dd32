package dev.ferry.migration;

import java.util.List;

/**
 * A migration at one instant, as both sides show it. Field for field the API's message; times in nanoseconds.
 *
 * @param version counts up with every change, for those who wait for the next
 * @param id 16 hex digits
 * @param runsOn which side owns the guest
 * @param limits at the source; the destination does not know them
 * @param forecast likewise
 * @param guestStopped by the policy of lost pages; the destination knows it, as the last two
 * @param poisonedPages likewise
 * @param stateNs in its state for so long
 * @param reservation that was used up at the destination; empty: none
 * @param networkHoldNs how long the paused guest may wait for its networks; the source knows it, as the last one
 * @param networksConfirmed a scheduler has said that they are ready
 * @param errorReason what the error is, for programs; empty: it has no name
 * @param damagedMessages with a wrong checksum; what was in them is fetched again
 */
public record MigrationSnapshot(
        long version,
        String id,
        String guest,
        MigrationState state,
        Side runsOn,
        Side side,
        String peer,
        String reason,
        String error,
        String requestId,
        long epoch,
        List<PhaseTime> downtimePhases,
        long totalNs,
        long startedUnixMs,
        PrecopyCounts precopy,
        PostcopyCounts postcopy,
        int recoveries,
        long bytesSent,
        long memoryTotalBytes,
        long memoryRemainingBytes,
        double rateBytesPerSecond,
        double dirtyRateBytesPerSecond,
        boolean keepSource,
        long refusedMessages,
        Limits limits,
        Forecast forecast,
        LostPagePolicy lostPages,
        boolean guestStopped,
        long poisonedPages,
        long damagedMessages,
        long stateNs,
        String reservation,
        long networkHoldNs,
        boolean networksConfirmed,
        String errorReason) {

    /** What pre-copy did. */
    public record PrecopyCounts(int rounds, long pages, long zeroPages, long bytes, long ns, String stopReason) {
        public static final PrecopyCounts NONE = new PrecopyCounts(0, 0, 0, 0, 0, "");
    }

    /** What post-copy did, counted at the destination. */
    public record PostcopyCounts(
            long ns,
            long residualPages,
            long remoteFaults,
            long localFaults,
            long pushedPages,
            long zeroPages,
            long demandPages,
            LatencyUs faultLatency) {
        public static final PostcopyCounts NONE = new PostcopyCounts(0, 0, 0, 0, 0, 0, 0, LatencyUs.NONE);
    }

    /** Quantiles of the remote faults, in microseconds, from the event read to the page placed. */
    public record LatencyUs(double p50, double p90, double p99, double p999, double max, long count) {
        public static final LatencyUs NONE = new LatencyUs(0, 0, 0, 0, 0, 0);
    }

    public long downtimeNs() {
        return downtimePhases.stream().mapToLong(PhaseTime::durationNs).sum();
    }
}
