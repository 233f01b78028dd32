package dev.ferry.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SendWindowTest {
    private static final int BATCH = 32 << 10;

    /** A link that carries a given rate after a given delay, and a sender that always has something. */
    @ParameterizedTest
    @CsvSource({"125, 100, 300", "125, 2000, 300", "1250, 200, 300", "125, 100, 2000"})
    void shouldFillTheLinkAndKeepItsQueueShort(long megabytesPerSecond, long roundTripUs, long queueUs) {
        SendWindow window = new SendWindow();
        double bytesPerNs = megabytesPerSecond / 1e3;
        Deque<long[]> underWay = new ArrayDeque<>(); // sent, acknowledged at
        long now = 0;
        long sent = 0;
        long acked = 0;
        long linkFreeNs = 0;
        long ackedAtHalf = 0;
        long longestQueueNs = 0;
        long end = 2_000_000_000L;
        while (now < end) {
            if (sent - acked + BATCH <= window.bytes(queueUs * 1000) || sent == acked) {
                long begins = Math.max(now, linkFreeNs);
                if (now > end / 2) {
                    longestQueueNs = Math.max(longestQueueNs, begins - now);
                }
                linkFreeNs = begins + (long) (BATCH / bytesPerNs);
                underWay.add(new long[] {now, linkFreeNs + roundTripUs * 1000});
                sent += BATCH;
            } else {
                long[] first = underWay.remove();
                now = Math.max(now, first[1]);
                acked += BATCH;
                window.acknowledged(now, acked, now - first[0], underWay.isEmpty());
            }
            if (now < end / 2) {
                ackedAtHalf = acked;
            }
        }
        double rate = (acked - ackedAtHalf) / (end / 2.0);
        assertThat(rate / bytesPerNs).isGreaterThan(0.9);
        // The smallest window, or what was asked for with half as much again.
        assertThat(longestQueueNs).isLessThan((long) (1.5 * queueUs * 1000 + SendWindow.LEAST_BYTES / bytesPerNs));
    }
}
