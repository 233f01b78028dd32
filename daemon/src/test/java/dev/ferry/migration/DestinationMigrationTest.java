package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.NanoClock;
import dev.ferry.memory.RamBlock;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An arrival that waits for a page of a source that is gone, while its device state loads. */
@Timeout(60)
class DestinationMigrationTest {
    private final List<RamBlock> blocks = List.of(
            new RamBlock(0, "pc.ram", 64 * FakeGuest.PAGE, FakeGuest.PAGE, true),
            new RamBlock(1, "vga", 16 * FakeGuest.PAGE, FakeGuest.PAGE, false));
    private final FakeGuest.Arriving guest = new FakeGuest.Arriving(blocks);
    private final MemoryJournal journal = new MemoryJournal();
    private final AtomicLong nowNs = new AtomicLong(1);
    private final CountDownLatch asked = new CountDownLatch(1);
    private DestinationMigration migration;
    private CompletableFuture<Arrivals.Switched> switchover;
    private Arrivals.PageReceiver demand;

    @BeforeEach
    void begin() throws InterruptedException {
        Journal.Entry entry = new Journal.Entry(
                MigrationIds.text(1),
                Side.DESTINATION,
                Journal.Step.PREPARING,
                1,
                "db1",
                "there",
                "",
                false,
                0,
                0,
                LostPagePolicy.defaults(),
                "");
        NanoClock clock = nowNs::get;
        migration = new DestinationMigration(
                entry,
                guest,
                journal,
                new MigrationRecord(clock, 0, f -> f.side = Side.DESTINATION),
                clock,
                FaultPoints.NONE);
        demand = migration.openDemand((block, first, pages) -> asked.countDown());
        switchover = CompletableFuture.supplyAsync(() -> migration.switchover(0, List.of(), List.of(), new byte[1]));
        asked.await(); // nobody answers
    }

    private void expectFenced() throws Exception {
        assertThatThrownBy(() -> switchover.get(30, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        assertThat(migration.hasEnded()).isTrue();
        assertThat(guest.calls).contains("fence").doesNotContain("cont");
        assertThat(journal.history).containsExactly("DESTINATION FENCED");
        assertThat(migration.commit().fenced()).isTrue();
    }

    @Test
    void shouldNotMakeAnAbortWaitForThePage() throws Exception {
        migration.abort("the source's ferryd was restarted");
        expectFenced();
    }

    @Test
    void shouldNotWaitForThePageOfASourceThatIsSilent() throws Exception {
        demand.closed(new IllegalStateException("broken"));
        nowNs.addAndGet(TimeUnit.SECONDS.toNanos(20));
        migration.look(TimeUnit.SECONDS.toNanos(15));
        expectFenced();
    }
}
