package dev.ferry.api;

import dev.ferry.migration.Limits;
import dev.ferry.migration.LostPagePolicy;
import dev.ferry.migration.Policy;
import dev.ferry.v1.SetLimitsRequest;
import java.util.OptionalLong;

/** The caller's policy over the daemon's defaults. */
final class Policies {
    private static final double LONGEST_SECONDS = 7 * 24 * 3600.0;

    private Policies() {}

    static Policy of(dev.ferry.v1.Policy said, Policy defaults) {
        return new Policy(
                said.hasPrecopyRounds() ? rounds(said.getPrecopyRounds()) : defaults.precopyRounds(),
                said.hasPrecopySeconds()
                        ? nanos("policy.precopy_seconds", said.getPrecopySeconds())
                        : defaults.precopyNs(),
                orDefault(
                        "policy.bandwidth_bytes_per_second",
                        said.getBandwidthBytesPerSecond(),
                        defaults.bandwidthBytesPerSecond()),
                orDefault(
                        "policy.postcopy_bandwidth_bytes_per_second",
                        said.getPostcopyBandwidthBytesPerSecond(),
                        defaults.postcopyBandwidthBytesPerSecond()),
                said.getKeepSource() || defaults.keepSource(),
                lostPages(said, defaults.lostPages()));
    }

    private static LostPagePolicy lostPages(dev.ferry.v1.Policy said, LostPagePolicy defaults) {
        LostPagePolicy.Action action = switch (said.getLostPagePolicy()) {
            case LOST_PAGE_POLICY_UNSPECIFIED -> defaults.action();
            case WAIT -> LostPagePolicy.Action.WAIT;
            case STOP -> LostPagePolicy.Action.STOP;
            case POISON -> LostPagePolicy.Action.POISON;
            case UNRECOGNIZED -> throw ApiStatus.invalid("policy.lost_page_policy: allowed is WAIT, STOP or POISON");
        };
        long limitNs = said.hasLostPageLimitSeconds()
                ? nanos("policy.lost_page_limit_seconds", said.getLostPageLimitSeconds())
                : defaults.limitNs();
        return new LostPagePolicy(action, limitNs);
    }

    /** What was said of the limits; 0, said, is no limit. */
    static Limits.Change limits(SetLimitsRequest said) {
        return new Limits.Change(
                said.hasBandwidthBytesPerSecond()
                        ? OptionalLong.of(
                                Input.notNegative("bandwidth_bytes_per_second", said.getBandwidthBytesPerSecond()))
                        : OptionalLong.empty(),
                said.hasPostcopyBandwidthBytesPerSecond()
                        ? OptionalLong.of(Input.notNegative(
                                "postcopy_bandwidth_bytes_per_second", said.getPostcopyBandwidthBytesPerSecond()))
                        : OptionalLong.empty());
    }

    private static int rounds(int said) {
        if (said < 0) {
            throw ApiStatus.invalid("policy.precopy_rounds: " + Integer.toUnsignedString(said) + " is out of range");
        }
        return said;
    }

    private static long nanos(String field, double seconds) {
        // Not a number fails this too.
        if (!(seconds >= 0 && seconds <= LONGEST_SECONDS)) {
            throw ApiStatus.invalid(field + ": " + seconds + ", allowed is 0 to " + LONGEST_SECONDS);
        }
        return (long) (seconds * 1e9);
    }

    private static long orDefault(String field, long said, long byDefault) {
        return Input.notNegative(field, said) == 0 ? byDefault : said;
    }
}
