package dev.ferry.bench;

import java.time.Instant;
import java.util.concurrent.Callable;

/** The clock of all measurements, the same that QEMU stamps its events with; and waiting by it. */
final class Wall {
    private Wall() {}

    /** Milliseconds since 1970, with microseconds in the fraction. */
    static double nowMs() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1e3 + now.getNano() / 1e6;
    }

    /** Polls every {@code everyMs}; throws when the condition did not come true in time. */
    static void await(String what, int seconds, int everyMs, Callable<Boolean> condition) throws Exception {
        double end = nowMs() + seconds * 1e3;
        while (!condition.call()) {
            if (nowMs() > end) {
                throw new BenchException("waited " + seconds + " s in vain: " + what);
            }
            Thread.sleep(everyMs);
        }
    }
}
