package dev.ferry.migration;

import java.util.concurrent.TimeUnit;

/**
 * How hard a connection that was lost in pre-copy is tried again, before the move is given up and the guest simply stays. Below
 * the silence after which a destination gives the move up ({@link Destinations}), so that what comes back is not refused.
 *
 * @param ns of trying, after each loss; 0: not at all
 * @param times in one migration
 */
public record RetryLimits(long ns, int times) {
    public static final RetryLimits DEFAULTS = new RetryLimits(TimeUnit.SECONDS.toNanos(10), 5);
}
