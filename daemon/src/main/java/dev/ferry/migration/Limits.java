package dev.ferry.migration;

import java.util.OptionalLong;

/**
 * Bandwidth limits of one migration in bytes a second, as they are now; 0: none. Demand faults are never limited.
 *
 * @param bandwidthBytesPerSecond of pre-copy
 * @param postcopyBandwidthBytesPerSecond of the background push
 */
public record Limits(long bandwidthBytesPerSecond, long postcopyBandwidthBytesPerSecond) {
    public static final Limits NONE = new Limits(0, 0);

    static Limits of(Policy policy) {
        return new Limits(policy.bandwidthBytesPerSecond(), policy.postcopyBandwidthBytesPerSecond());
    }

    /** New limits; what is empty stays as it is. */
    public record Change(OptionalLong bandwidthBytesPerSecond, OptionalLong postcopyBandwidthBytesPerSecond) {
        Limits over(Limits before) {
            return new Limits(
                    bandwidthBytesPerSecond.orElse(before.bandwidthBytesPerSecond),
                    postcopyBandwidthBytesPerSecond.orElse(before.postcopyBandwidthBytesPerSecond));
        }
    }
}
