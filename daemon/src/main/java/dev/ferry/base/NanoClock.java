package dev.ferry.base;

/** Monotonic time in nanoseconds; tests inject their own. */
@FunctionalInterface
public interface NanoClock {
    long nanoTime();

    static NanoClock system() {
        return System::nanoTime;
    }
}
