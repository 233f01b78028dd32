package dev.ferry.system;

import java.time.Duration;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;

/** Waits for what other processes do. */
final class Await {
    private Await() {}

    static void until(String what, Callable<Boolean> condition) {
        Awaitility.await(what)
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(10))
                .pollDelay(Duration.ZERO)
                .until(condition);
    }
}
