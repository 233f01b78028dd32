package dev.ferry.migration;

/**
 * Limits of one migration.
 *
 * @param precopyRounds 0: no pre-copy
 * @param precopyNs longest pre-copy
 * @param bandwidthBytesPerSecond of pre-copy; 0: unlimited
 * @param postcopyBandwidthBytesPerSecond of the background push; 0: unlimited
 * @param keepSource leave the source QEMU paused instead of ending it
 * @param lostPages the destination's part
 */
public record Policy(
        int precopyRounds,
        long precopyNs,
        long bandwidthBytesPerSecond,
        long postcopyBandwidthBytesPerSecond,
        boolean keepSource,
        LostPagePolicy lostPages) {

    public Policy(
            int precopyRounds,
            long precopyNs,
            long bandwidthBytesPerSecond,
            long postcopyBandwidthBytesPerSecond,
            boolean keepSource) {
        this(
                precopyRounds,
                precopyNs,
                bandwidthBytesPerSecond,
                postcopyBandwidthBytesPerSecond,
                keepSource,
                LostPagePolicy.defaults());
    }

    /** Short by default: at most five rounds or 60 seconds; the rule of {@code precopy} usually ends it sooner. */
    public static Policy defaults() {
        return new Policy(5, 60_000_000_000L, 0, 0, false);
    }
}
