package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class WatchdogTest {
    private static final long INTERVAL_NS = TimeUnit.MILLISECONDS.toNanos(60);

    private final BlockingQueue<String> told = new LinkedBlockingQueue<>();

    private void expectTold() throws InterruptedException {
        told.clear();
        assertThat(told.poll(10, TimeUnit.SECONDS)).isNotNull();
    }

    @Test
    void shouldTellAgainAndAgain() throws Exception {
        try (Watchdog watchdog = new Watchdog(Map.of("part", () -> {}), () -> told.add("alive"), INTERVAL_NS)) {
            expectTold();
            expectTold();
        }
    }

    @Test
    void shouldNotTellWhileAPartHangs() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger times = new AtomicInteger();
        Map<String, Watchdog.Part> parts = Map.of("well", () -> {}, "hangs", () -> {
            times.incrementAndGet();
            asked.countDown();
            goOn.await();
        });
        try (Watchdog watchdog = new Watchdog(parts, () -> told.add("alive"), INTERVAL_NS)) {
            asked.await();
            assertThat(told.poll(10 * INTERVAL_NS, TimeUnit.NANOSECONDS)).isNull();
            assertThat(times).as("one question hangs, not one a round").hasValue(1);
            goOn.countDown();
            expectTold();
        }
    }

    @Test
    void shouldNotTellWhenAPartSaysThatItIsNotWell() throws Exception {
        AtomicInteger times = new AtomicInteger();
        Map<String, Watchdog.Part> parts = Map.of("ill", () -> {
            if (times.incrementAndGet() < 4) {
                throw new IllegalStateException("ill");
            }
        });
        try (Watchdog watchdog = new Watchdog(parts, () -> told.add("told after " + times.get()), INTERVAL_NS)) {
            assertThat(told.poll(10, TimeUnit.SECONDS)).isEqualTo("told after 4");
        }
    }
}
