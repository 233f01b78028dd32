package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SwitchoversTest {
    private final Switchovers switchovers = new Switchovers();

    @Test
    void shouldLetOneSwitchAfterTheOther() {
        Switchovers.Turn first = switchovers.queue();
        Switchovers.Turn second = switchovers.queue();
        Switchovers.Turn third = switchovers.queue();
        assertThat(first.hasCome()).isTrue();
        assertThat(second.hasCome()).isFalse();
        first.close();
        assertThat(second.hasCome()).isTrue();
        assertThat(third.hasCome()).isFalse();
        first.close();
        assertThat(second.hasCome()).isTrue();
    }

    @Test
    void shouldNotWaitForWhoHasLeftTheQueue() {
        Switchovers.Turn first = switchovers.queue();
        Switchovers.Turn second = switchovers.queue();
        Switchovers.Turn third = switchovers.queue();
        second.close();
        assertThat(first.hasCome()).isTrue();
        assertThat(third.hasCome()).isFalse();
        first.close();
        assertThat(third.hasCome()).isTrue();
        assertThat(first.hasCome()).isFalse();
    }

    @Test
    void shouldWakeWhoIsNext() throws Exception {
        Switchovers.Turn first = switchovers.queue();
        CountDownLatch waits = new CountDownLatch(1);
        Thread next = new Thread(() -> {
            Switchovers.Turn mine = switchovers.queue();
            waits.countDown();
            while (!mine.hasCome()) {
                LockSupport.parkNanos(TimeUnit.HOURS.toNanos(1));
            }
        });
        next.start();
        waits.await();
        first.close();
        next.join(TimeUnit.SECONDS.toMillis(20));
        assertThat(next.isAlive()).isFalse();
    }
}
