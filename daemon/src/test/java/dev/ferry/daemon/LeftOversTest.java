package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.base.Urgency;
import dev.ferry.migration.ArrivingGuest;
import dev.ferry.migration.Destinations;
import dev.ferry.migration.GuestHost;
import dev.ferry.migration.IncomingSpec;
import dev.ferry.migration.Journal;
import dev.ferry.migration.Journal.Step;
import dev.ferry.migration.MigrationIds;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.Migrations;
import dev.ferry.migration.PeerLink;
import dev.ferry.migration.Policy;
import dev.ferry.migration.Reason;
import dev.ferry.migration.Side;
import dev.ferry.migration.SourceGuest;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a new daemon makes of the journal of the last one. */
class LeftOversTest {
    @TempDir
    private Path directory;

    private final List<String> done = new CopyOnWriteArrayList<>();
    private final BlockingQueue<String> said = new LinkedBlockingQueue<>();
    private volatile FerryException failure;
    private Journal journal;
    private Destinations destinations;
    private Migrations migrations;

    private final GuestHost host = new GuestHost() {
        private void doing(String what) {
            if (failure != null) {
                throw failure;
            }
            done.add(what);
        }

        @Override
        public SourceGuest openSource(String guest) {
            throw new AssertionError("not asked for");
        }

        @Override
        public List<Reason> checkIncoming(IncomingSpec spec) {
            throw new AssertionError("not asked for");
        }

        @Override
        public ArrivingGuest prepareIncoming(IncomingSpec spec) {
            throw new AssertionError("not asked for");
        }

        @Override
        public ArrivingGuest recoverArrival(String guest, String migrationId) {
            doing("recover arrival of " + guest);
            throw new FerryException(ErrorCategory.FAILED_PRECONDITION, "its QEMU has ended");
        }

        @Override
        public void forgetArrival(String migrationId) {
            doing("forget arrival " + migrationId);
        }

        @Override
        public SourceGuest recoverSource(String guest) {
            throw new FerryException(ErrorCategory.UNAVAILABLE, "not in this test");
        }

        @Override
        public void undoDeparture(String guest) {
            doing("undo departure of " + guest);
        }

        @Override
        public void endLost(String guest, String migrationId) {
            doing("end lost " + guest);
        }

        @Override
        public void removeLost(String guest, String migrationId) {
            doing("remove lost " + guest);
        }

        @Override
        public void undoArrival(String guest, String migrationId) {
            doing("undo arrival of " + guest);
        }
    };

    @BeforeEach
    void start() {
        journal = new FileJournal(directory);
        destinations = new Destinations(host, journal, NanoClock.system(), () -> 0);
        migrations = new Migrations(
                host,
                this::dial,
                destinations,
                journal,
                NanoClock.system(),
                () -> 0,
                () -> 0,
                task -> {
                    Thread thread = new Thread(task, "migration-1");
                    thread.setDaemon(true);
                    return thread;
                },
                Urgency.NONE,
                "here");
    }

    private PeerLink dial(String peer, long migration, long epoch) {
        return (PeerLink) Proxy.newProxyInstance(
                PeerLink.class.getClassLoader(), new Class<?>[] {PeerLink.class}, (proxy, method, arguments) -> {
                    said.add(peer + " " + MigrationIds.text(migration) + " " + method.getName());
                    return null;
                });
    }

    private Journal.Entry write(long id, Side side, Step step) {
        Journal.Entry entry =
                new Journal.Entry(MigrationIds.text(id), side, step, 1, "db1", "there:1", "", false, 0, 0);
        journal.write(entry);
        return entry;
    }

    private LeftOvers leftOvers() {
        return new LeftOvers(host, destinations, journal);
    }

    @Test
    void shouldUndoWhatWasNotCommittedAndTellTheDestination() throws Exception {
        Journal.Entry entry = write(7, Side.SOURCE, Step.PREPARING);
        LeftOvers left = leftOvers();
        assertThat(left.recoverArrivals()).isEmpty();
        left.settle();
        assertThat(done).containsExactly("undo departure of db1");
        assertThat(journal.readAll()).isEmpty();
        left.recoverDepartures(migrations);
        assertThat(said.poll(10, TimeUnit.SECONDS)).isEqualTo("there:1 " + entry.id() + " hello");
        assertThat(said.poll(10, TimeUnit.SECONDS)).isEqualTo("there:1 " + entry.id() + " abort");
    }

    /** Two guests would run otherwise: the paused one is the destination's by the later migration. */
    @Test
    void shouldNeverUndoAnOlderMigrationOfAGuestThatWasGivenAway() {
        write(7, Side.SOURCE, Step.PREPARING);
        Journal.Entry given = write(8, Side.SOURCE, Step.HANDED_OVER);
        LeftOvers left = leftOvers();
        left.recoverArrivals();
        left.settle();
        left.recoverDepartures(migrations);
        assertThat(done).isEmpty();
        assertThat(journal.readAll()).containsExactly(given);
        assertThat(migrations.moving("db1")).contains(given.id());
    }

    /** What cannot be read may be the later migration that gave the guest away. */
    @Test
    void shouldUndoNothingAndLetNobodyLeaveWhileAnEntryCannotBeRead() throws Exception {
        Journal.Entry entry = write(7, Side.SOURCE, Step.PREPARING);
        Path garbage = Files.writeString(directory.resolve("0000000000000008.out.journal"), "step=");
        LeftOvers left = leftOvers();
        left.recoverArrivals();
        left.settle();
        left.recoverDepartures(migrations);
        assertThat(done).isEmpty();
        assertThat(migrations.moving("db1")).contains(entry.id());
        assertThatThrownBy(() -> migrations.start("db2", "there:1", "", Policy.defaults()))
                .isInstanceOf(FerryException.class)
                .hasMessageContaining(garbage.toString());
        Files.delete(garbage);
        left.retry(migrations);
        assertThat(done).containsExactly("undo departure of db1");
        assertThat(migrations.moving("db1")).isEmpty();
    }

    @Test
    void shouldNeverEndTheQemuOfAGuestThatRunsHereForAnOlderArrival() {
        Journal.Entry older = write(7, Side.DESTINATION, Step.PREPARING);
        Journal.Entry runs = write(8, Side.DESTINATION, Step.RESUMED);
        LeftOvers left = leftOvers();
        left.recoverArrivals();
        left.settle();
        assertThat(done).containsExactly("recover arrival of db1", "forget arrival " + older.id());
        assertThat(journal.readAll()).containsExactlyInAnyOrder(older.at(Step.FENCED), runs);
        assertThat(destinations.commit(7, 1).fenced()).isTrue();
    }

    @Test
    void shouldTryAgainWhatCannotBeUndoneAndHoldTheGuestUntilThen() throws Exception {
        Journal.Entry entry = write(7, Side.SOURCE, Step.PREPARING);
        failure = new FerryException(ErrorCategory.UNAVAILABLE, "QEMU does not answer");
        LeftOvers left = leftOvers();
        left.recoverArrivals();
        left.settle();
        left.recoverDepartures(migrations);
        left.retry(migrations);
        assertThat(journal.readAll()).containsExactly(entry);
        assertThat(migrations.moving("db1")).contains(entry.id());
        assertThatThrownBy(() -> migrations.start("db1", "there:1", "", Policy.defaults()))
                .hasMessageContaining("is moving already");
        failure = null;
        left.retry(migrations);
        assertThat(done).containsExactly("undo departure of db1");
        assertThat(journal.readAll()).isEmpty();
        assertThat(migrations.moving("db1")).isEmpty();
        assertThat(said.poll(10, TimeUnit.SECONDS)).endsWith(" hello");
    }

    /** One that cannot be taken up for the moment is not called lost. */
    @Test
    void shouldTryAgainToTakeUpAGuestThatRunsHere() {
        write(7, Side.DESTINATION, Step.COMMITTED);
        failure = new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "too many open files");
        LeftOvers left = leftOvers();
        assertThat(left.recoverArrivals()).containsExactly("db1");
        left.settle();
        left.recoverDepartures(migrations);
        assertThat(migrations.list()).isEmpty();
        assertThatThrownBy(() -> destinations.commit(7, 1)).hasMessageContaining("no migration");
        failure = null;
        left.retry(migrations);
        assertThat(done).containsExactly("recover arrival of db1");
        assertThat(migrations.list()).singleElement().satisfies(m -> {
            assertThat(m.state()).isEqualTo(MigrationState.FAILED);
            assertThat(m.runsOn()).isEqualTo(Side.DESTINATION);
        });
        assertThatThrownBy(() -> destinations.commit(7, 1)).hasMessageContaining("lost");
    }

    /** Its guest was rolled back, went on, and was given away since: it must not run here beside the other one. */
    @Test
    void shouldNeverRunAGuestThatWasRolledBackBeforeItWasGivenAway() {
        write(7, Side.SOURCE, Step.ROLLED_BACK);
        Journal.Entry given = write(8, Side.SOURCE, Step.HANDED_OVER);
        LeftOvers left = leftOvers();
        left.recoverArrivals();
        left.settle();
        left.recoverDepartures(migrations);
        assertThat(done).isEmpty();
        assertThat(journal.readAll()).containsExactly(given);
        assertThat(migrations.list())
                .singleElement()
                .satisfies(m -> assertThat(m.id()).isEqualTo(given.id()));
    }

    @Test
    void shouldNeverRunWhatItRenounced() {
        Journal.Entry entry = write(7, Side.DESTINATION, Step.RENOUNCED);
        LeftOvers left = leftOvers();
        assertThat(left.recoverArrivals()).isEmpty();
        left.settle();
        assertThat(done).containsExactly("remove lost db1");
        destinations.confirmLost(7, 1);
        assertThatThrownBy(() -> destinations.commit(7, 1)).hasMessageContaining("is lost");
        assertThatThrownBy(() -> destinations.missing(7, 1)).hasMessageContaining("is lost");
        assertThatThrownBy(() -> destinations.confirmLost(7, 0)).isInstanceOf(FerryException.class);
        assertThat(journal.readAll()).containsExactly(entry);
    }

    @Test
    void shouldNotRenounceWhatHasCompletedAndConfirmWhatNeverRan() {
        write(7, Side.DESTINATION, Step.SETTLED);
        write(8, Side.DESTINATION, Step.FENCED);
        LeftOvers left = leftOvers();
        left.recoverArrivals();
        left.settle();
        assertThatThrownBy(() -> destinations.confirmLost(7, 1)).hasMessageContaining("has completed");
        destinations.confirmLost(8, 1);
    }

    @Test
    void shouldAnswerASourceThatAsksAfterTheEndOfTheEarlierDaemon() {
        write(7, Side.DESTINATION, Step.FENCED);
        write(8, Side.DESTINATION, Step.SETTLED);
        LeftOvers left = leftOvers();
        left.recoverArrivals();
        left.settle();
        assertThat(destinations.commit(7, 1).fenced()).isTrue();
        assertThat(destinations.commit(8, 1).fenced()).isFalse();
        assertThat(destinations.missing(8, 1)).isEmpty();
        destinations.finish(8, 1);
        assertThatThrownBy(() -> destinations.commit(8, 0)).isInstanceOf(FerryException.class);
        assertThatThrownBy(() -> destinations.abort(8, 1, "late")).hasMessageContaining("committed");
    }
}
