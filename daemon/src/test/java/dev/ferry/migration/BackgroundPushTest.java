package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.memory.RunList;
import dev.ferry.precopy.Pacer;
import dev.ferry.precopy.PageSender;
import dev.ferry.precopy.SentPages;
import dev.ferry.precopy.SourceMemory;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The push with limits, over a link that only counts, in a time that passes only while it pauses. */
class BackgroundPushTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 8192;
    private static final long SECOND_NS = 1_000_000_000;

    private final RamBlock ram = new RamBlock(0, "ram", (long) PAGES * PAGE, PAGE, true);
    private final SentPages sent = new SentPages(List.of(ram));
    private final CountingLink link = new CountingLink();
    private long now = 1000 * SECOND_NS;
    private int pauses;
    private Runnable inEachPause = () -> {};
    private final SourcePages demand = new SourcePages(new OnesMemory(), sent, () -> now);

    private Pacer push(long bytesPerSecond) {
        Pacer pacer = new Pacer(() -> now, bytesPerSecond, ns -> {
            now += ns;
            pauses++;
            inEachPause.run();
        });
        PageSender sender = new PageSender(new OnesMemory(), link, PAGE);
        new BackgroundPush(demand, sender, link, link, pacer, () -> {}).run();
        return pacer;
    }

    private long unsentPages() {
        return sent.unsentBytes() / PAGE;
    }

    /** Runs of one page in the order of several places, and long ones: batches are never full where a pause begins. */
    @ParameterizedTest
    @ValueSource(longs = {1 << 20, 100 << 20, 10L << 30})
    void shouldNotPauseWithClaimedPagesUnsent(long bytesPerSecond) {
        for (int page = 0; page < PAGES / 2; page += 3) {
            sent.markSent(ram, page, 1);
        }
        for (int place = 0; place < 8; place++) {
            demand.order().fault(ram, place * 1000L);
        }
        long unsent = unsentPages();
        inEachPause = () -> assertThat(link.pages).isEqualTo(unsent - unsentPages());
        long beginNs = now;
        push(bytesPerSecond);
        assertThat(pauses).isPositive();
        assertThat(link.pages).isEqualTo(unsent);
        assertThat(now - beginNs).isGreaterThan((long) ((unsent - 128) * PAGE * 1e9 / bytesPerSecond) - SECOND_NS / 20);
    }

    @Test
    void shouldFillItsBatchesWithoutALimit() {
        push(0);
        assertThat(pauses).isZero();
        assertThat(link.batches).isEqualTo(PAGES * PAGE / PageSender.BATCH_BYTES);
    }

    @Test
    void shouldNotWaitForWhatNobodyNeedsAnyMore() {
        inEachPause = () -> demand.read(ram, 64, 64, ByteBuffer.allocateDirect(64 * PAGE));
        sent.markSent(ram, 128, PAGES - 128);
        long beginNs = now;
        push(1);
        assertThat(now - beginNs).isLessThan(SECOND_NS);
        assertThat(link.pages).isEqualTo(64);
    }

    @Test
    void shouldSeeThatThePeerIsGoneWhileItPauses() {
        inEachPause = () -> link.broken = true;
        assertThatThrownBy(() -> push(1)).hasMessage("gone");
        assertThat(pauses).isEqualTo(1);
    }

    private static final class OnesMemory implements SourceMemory {
        @Override
        public void read(RamBlock block, long firstPage, int pages, ByteBuffer into, int index) {
            into.putLong(index, 1);
            for (int i = 0; i < pages; i++) {
                into.putLong(index + i * PAGE, 1);
            }
        }

        @Override
        public void startTracking() {}

        @Override
        public void forEachPopulated(RamBlock block, PageBitmap.RunConsumer consumer) {}

        @Override
        public void harvest(RamBlock block, PageBitmap.RunConsumer consumer) {}

        @Override
        public void stopTracking() {}
    }

    /** Both the link and its bulk stream. */
    private static final class CountingLink implements PeerLink, PeerLink.BulkLink {
        long pages;
        long batches;
        boolean broken;

        @Override
        public void send(RamBlock block, RunList runs, ByteBuffer data, int dataBytes) {
            pages += runs.totalPages();
            batches++;
        }

        @Override
        public void throwIfBroken() {
            if (broken) {
                throw new FerryException(ErrorCategory.UNAVAILABLE, "gone");
            }
        }

        @Override
        public void setQueueLimitNs(long ns) {}

        @Override
        public void awaitPlaced() {}

        @Override
        public long bytesSent() {
            return 0;
        }

        @Override
        public long sequence() {
            return batches;
        }

        @Override
        public void pagesLost(String reason) {
            throw new AssertionError();
        }

        @Override
        public void confirmLost() {
            throw new AssertionError();
        }

        @Override
        public String hello() {
            throw new AssertionError();
        }

        @Override
        public List<Reason> check(IncomingSpec spec) {
            throw new AssertionError();
        }

        @Override
        public void prepare(IncomingSpec spec) {
            throw new AssertionError();
        }

        @Override
        public void openDemand(DemandSource source) {
            throw new AssertionError();
        }

        @Override
        public BulkLink openBulk() {
            throw new AssertionError();
        }

        @Override
        public Arrivals.Switched switchover(
                long bulkSequence, List<PageRuns> stale, List<SmallPages> small, byte[] deviceState) {
            throw new AssertionError();
        }

        @Override
        public Arrivals.Committed commit() {
            throw new AssertionError();
        }

        @Override
        public void abort(String reason) {
            throw new AssertionError();
        }

        @Override
        public List<PageRuns> missing() {
            throw new AssertionError();
        }

        @Override
        public MigrationSnapshot.PostcopyCounts finish() {
            throw new AssertionError();
        }

        @Override
        public MigrationSnapshot.PostcopyCounts lastCounts() {
            throw new AssertionError();
        }

        @Override
        public void close() {}
    }
}
