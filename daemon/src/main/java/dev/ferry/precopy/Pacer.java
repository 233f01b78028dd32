package dev.ferry.precopy;

import dev.ferry.base.NanoClock;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Keeps a sender below a rate, with a burst of 50 ms. Owned by the sending thread; any thread may change the rate. */
public final class Pacer {
    private static final long BURST_NS = 50_000_000;

    private final NanoClock clock;
    private volatile long bytesPerSecond;
    private long paidUntilNs;

    /** @param bytesPerSecond 0: no limit */
    public Pacer(NanoClock clock, long bytesPerSecond) {
        this.clock = clock;
        this.bytesPerSecond = bytesPerSecond;
        this.paidUntilNs = clock.nanoTime();
    }

    public void setBytesPerSecond(long rate) {
        bytesPerSecond = rate;
    }

    /** Takes so many more bytes as sent and says how long to wait for that, in nanoseconds. */
    public long delayNsFor(long bytes) {
        long rate = bytesPerSecond;
        if (rate <= 0) {
            return 0;
        }
        long now = clock.nanoTime();
        paidUntilNs = Math.max(paidUntilNs, now - BURST_NS) + (long) (bytes * 1e9 / rate);
        return Math.max(0, paidUntilNs - now);
    }

    /** Waits as long as {@link #delayNsFor} says, in slices, so that a command is heard. */
    public void pay(long bytes, Commands commands) {
        long delay = delayNsFor(bytes);
        long end = clock.nanoTime() + delay;
        while (delay > 0 && !commands.switchRequested()) {
            commands.throwIfCancelled();
            LockSupport.parkNanos(Math.min(delay, TimeUnit.MILLISECONDS.toNanos(20)));
            delay = end - clock.nanoTime();
        }
    }
}
