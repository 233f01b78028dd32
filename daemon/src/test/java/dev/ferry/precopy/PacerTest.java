package dev.ferry.precopy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PacerTest {
    private static final long SECOND_NS = 1_000_000_000;

    private long now = 1000 * SECOND_NS;
    private Runnable inEachSlice = () -> {};

    private Pacer pacer(long bytesPerSecond) {
        return new Pacer(() -> now, bytesPerSecond, ns -> {
            now += ns;
            inEachSlice.run();
        });
    }

    private long paidNs(Pacer pacer) {
        long beginNs = now;
        pacer.pay(() -> true);
        return now - beginNs;
    }

    @Test
    void shouldAllowABurstAndThenKeepTheRate() {
        Pacer pacer = pacer(1_000_000);
        now += 10 * SECOND_NS;
        pacer.charge(50_000);
        assertThat(pacer.owedNs()).isZero();
        pacer.charge(100_000);
        assertThat(paidNs(pacer)).isBetween(100_000_000L, 100_000_002L);
        pacer.charge(1_000_000);
        assertThat(paidNs(pacer)).isBetween(SECOND_NS, SECOND_NS + 2);
    }

    @Test
    void shouldNotWaitWithoutALimit() {
        Pacer pacer = pacer(0);
        pacer.charge(Long.MAX_VALUE);
        assertThat(pacer.owedNs()).isZero();
        pacer.setBytesPerSecond(1000);
        pacer.charge(1000);
        assertThat(pacer.owedNs()).isEqualTo(SECOND_NS);
    }

    @Test
    void shouldTakeARaisedRateInTheMiddleOfALongWait() {
        Pacer pacer = pacer(1);
        long raisedNs = now + 5 * SECOND_NS;
        inEachSlice = () -> {
            if (now >= raisedNs) {
                pacer.setBytesPerSecond(1_000_000);
            }
        };
        pacer.charge(100_000);
        pacer.pay(() -> true);
        assertThat(now - raisedNs).isBetween(99_000_000L, 120_000_000L);
    }

    @Test
    void shouldEndAWaitWhenTheLimitIsLifted() {
        Pacer pacer = pacer(1);
        long liftedNs = now + SECOND_NS;
        inEachSlice = () -> pacer.setBytesPerSecond(now >= liftedNs ? 0 : 1);
        pacer.charge(100_000);
        pacer.pay(() -> true);
        assertThat(now - liftedNs).isBetween(0L, 20_000_000L);
        pacer.charge(100_000);
        assertThat(pacer.owedNs()).isZero();
    }

    @Test
    void shouldTakeALoweredRateInTheMiddleOfAWait() {
        Pacer pacer = pacer(1_000_000);
        long loweredNs = now + SECOND_NS;
        inEachSlice = () -> pacer.setBytesPerSecond(now >= loweredNs ? 100_000 : 1_000_000);
        pacer.charge(2_000_000);
        assertThat(paidNs(pacer)).isBetween(10 * SECOND_NS + 800_000_000, 11 * SECOND_NS + 1000);
    }

    @Test
    void shouldNotTakeAFasterRatesBurstToASlowerOne() {
        Pacer pacer = pacer(1_000_000_000);
        now += SECOND_NS;
        pacer.charge(0);
        pacer.setBytesPerSecond(1000);
        pacer.charge(1000);
        assertThat(pacer.owedNs()).isBetween(949_999_999L, 950_000_001L);
    }

    @Test
    void shouldAskOnceASliceWhetherToGoOn() {
        Pacer pacer = pacer(1);
        pacer.charge(Long.MAX_VALUE);
        long endNs = now + SECOND_NS;
        pacer.pay(() -> now < endNs);
        assertThat(now - endNs).isBetween(0L, TimeUnit.MILLISECONDS.toNanos(20));
        assertThatThrownBy(() -> pacer.pay(() -> {
                    throw new IllegalStateException("the peer is gone");
                }))
                .hasMessage("the peer is gone");
    }
}
