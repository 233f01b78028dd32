package dev.ferry.precopy;

import dev.ferry.base.NanoClock;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * Keeps a sender below a rate, with a burst of 50 ms. Owned by the sending thread; any thread may change the rate, also while
 * the owner waits. What is owed is counted in bytes, so that a new rate holds for what was sent before it, too.
 */
public final class Pacer {
    private static final double BURST_S = 0.05;
    private static final double NS_PER_S = 1e9;

    /** So soon a waiting owner sees a new rate. */
    private static final long SLICE_NS = TimeUnit.MILLISECONDS.toNanos(20);

    /** Whether waiting makes sense still: asked before each slice of a wait. May throw, to break it off. */
    @FunctionalInterface
    public interface Wait {
        boolean goesOn();
    }

    private final NanoClock clock;
    private final LongConsumer park;
    private volatile long bytesPerSecond;

    /** By which the time until {@link #settledNs} was counted. */
    private long rate;

    private long settledNs;

    /** Below 0: what may be sent at once. */
    private double owedBytes;

    /** @param bytesPerSecond 0: no limit */
    public Pacer(NanoClock clock, long bytesPerSecond) {
        this(clock, bytesPerSecond, clock::parkNanos);
    }

    /** @param park waits at most so many nanoseconds */
    public Pacer(NanoClock clock, long bytesPerSecond, LongConsumer park) {
        this.clock = clock;
        this.park = park;
        this.bytesPerSecond = bytesPerSecond;
        this.rate = bytesPerSecond;
        this.settledNs = clock.nanoTime();
    }

    /** @param limit 0: none */
    public void setBytesPerSecond(long limit) {
        bytesPerSecond = limit;
    }

    /** So many more bytes are sent. */
    public void charge(long bytes) {
        settle();
        if (rate > 0) {
            owedBytes += bytes;
        }
    }

    /** How long to wait for what was charged, in nanoseconds, by the rate of this moment. */
    public long owedNs() {
        settle();
        return rate == 0 || owedBytes <= 0 ? 0 : (long) Math.ceil(owedBytes * NS_PER_S / rate);
    }

    /** Waits until nothing is owed, or while waiting makes sense. */
    public void pay(Wait wait) {
        for (long ns = owedNs(); ns > 0 && wait.goesOn(); ns = owedNs()) {
            park.accept(Math.min(ns, SLICE_NS));
        }
    }

    private void settle() {
        long now = clock.nanoTime();
        owedBytes -= (now - settledNs) / NS_PER_S * rate;
        settledNs = now;
        long set = bytesPerSecond;
        owedBytes = set == 0 ? 0 : Math.max(owedBytes, -Math.min(rate, set) * BURST_S);
        rate = set;
    }
}
