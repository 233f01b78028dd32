package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.ArrivalMemory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Streams of an earlier connection that have not ended yet when the next one's have begun. */
@Timeout(30)
class DestinationStreamsTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 64;
    private static final List<RamBlock> BLOCKS = List.of(
            new RamBlock(0, "pc.ram", (long) PAGES * PAGE, PAGE, true),
            new RamBlock(1, "vga", 16L * PAGE, PAGE, false));

    private final CountDownLatch writing = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final FakeGuest.Arriving guest = new FakeGuest.Arriving(BLOCKS) {
        @Override
        public void write(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
            if (firstPage == 7) { // one that takes its time
                writing.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            super.write(block, firstPage, pages, data, index);
        }
    };
    private final DestinationMigration migration = new DestinationMigration(
            new Journal.Entry("01", Side.DESTINATION, Journal.Step.PREPARING, 1, "db1", "there", "", false, 1, 0),
            guest,
            new MemoryJournal(),
            new MigrationRecord(NanoClock.system(), 1, f -> {}),
            NanoClock.system(),
            FaultPoints.NONE);
    private Arrivals.PageReceiver first;

    @BeforeEach
    void open() {
        first = migration.openBulk();
    }

    private static ByteBuffer page(int version) {
        ByteBuffer page = ByteBuffer.allocateDirect(PAGE);
        while (page.hasRemaining()) {
            page.putInt(version);
        }
        return page;
    }

    private int content(int page) {
        return ByteBuffer.wrap(guest.memory).getInt(page * PAGE);
    }

    private static void assertSuperseded(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.UNAVAILABLE))
                .hasMessageContaining("newer stream");
    }

    @Test
    void shouldPlaceNothingOfAStreamThatANewerOneHasReplaced() {
        first.pages(BLOCKS.get(0), 3, 1, page(1), 0);
        first.placed(1);
        Arrivals.PageReceiver second = migration.openBulk();
        second.pages(BLOCKS.get(0), 3, 1, page(2), 0);
        second.pages(BLOCKS.get(1), 0, 1, page(2), 0);
        second.placed(1);
        assertSuperseded(() -> first.pages(BLOCKS.get(0), 3, 1, page(1), 0));
        assertSuperseded(() -> first.zeroPages(BLOCKS.get(0), 3, 1));
        assertSuperseded(() -> first.pages(BLOCKS.get(1), 0, 1, page(1), 0));
        assertSuperseded(() -> first.zeroPages(BLOCKS.get(1), 0, 1));
        assertThat(content(3)).isEqualTo(2);
        assertThat(ByteBuffer.wrap(guest.small).getInt(0)).isEqualTo(2);
    }

    /** The old event loop stands in the middle of a page when the new stream begins. */
    @Test
    void shouldWaitForTheRunThatIsBeingPlaced() throws Exception {
        Thread old = new Thread(() -> first.pages(BLOCKS.get(0), 7, 1, page(1), 0));
        old.start();
        writing.await();
        AtomicBoolean opened = new AtomicBoolean();
        Thread next = new Thread(() -> {
            Arrivals.PageReceiver second = migration.openBulk();
            opened.set(true);
            second.pages(BLOCKS.get(0), 7, 1, page(2), 0);
        });
        next.start();
        while (next.getState() != Thread.State.BLOCKED) {
            assertThat(opened)
                    .as("the stream opened while the old one was writing")
                    .isFalse();
            Thread.onSpinWait();
        }
        goOn.countDown();
        old.join();
        next.join();
        assertThat(opened).isTrue();
        assertThat(content(7)).isEqualTo(2);
    }

    /** What the old stream says of its progress is not what the switchover is held against. */
    @Test
    void shouldCountOnlyWhatTheLatestStreamHasPlaced() {
        first.placed(40);
        Arrivals.PageReceiver second = migration.openBulk();
        first.placed(41);
        second.placed(2);
        assertThatThrownBy(() -> migration.switchover(41, List.of(), List.of(), new byte[1]))
                .hasMessageContaining("2 is placed");
        guest.arrival.arrivedZero(BLOCKS.get(0), 0, PAGES, false);
        assertThat(migration.switchover(2, List.of(), List.of(), new byte[1]).residualPages())
                .isZero();
    }

    /** The first words of a stream that the source has given up come late, and then its end. */
    @Test
    void shouldAskTheStreamThatIsStillOpenWhenALateOneHasEnded() {
        ArrivalMemory memory = guest.arrival;
        memory.arm();
        List<Long> askedLive = new ArrayList<>();
        List<Long> askedLate = new ArrayList<>();
        Arrivals.PageReceiver live = migration.openDemand((block, page, n) -> askedLive.add(page));
        Arrivals.PageReceiver late = migration.openDemand((block, page, n) -> askedLate.add(page));
        memory.fault(BLOCKS.get(0), 5);
        assertThat(askedLate).containsExactly(5L);
        assertThat(askedLive).isEmpty();
        late.closed(new IllegalStateException("reset"));
        assertThat(askedLive).containsExactly(5L);
        memory.fault(BLOCKS.get(0), 6);
        assertThat(askedLive).containsExactly(5L, 6L);
        live.closed(null);
    }
}
