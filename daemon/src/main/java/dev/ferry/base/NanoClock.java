package dev.ferry.base;

import java.util.concurrent.locks.LockSupport;

/** Monotonic time in nanoseconds; tests inject their own. */
@FunctionalInterface
public interface NanoClock {
    long nanoTime();

    /** The calling thread waits for about so long; it may return early, as LockSupport.parkNanos may. */
    default void parkNanos(long ns) {
        LockSupport.parkNanos(ns);
    }

    static NanoClock system() {
        return System::nanoTime;
    }
}
