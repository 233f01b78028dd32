package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class KnownRequestsTest {
    private static final String ID = "00000000000000a1";

    private final List<RequestLog.Entry> written = new ArrayList<>();
    private boolean full;

    private final RequestLog log = new RequestLog() {
        @Override
        public void write(Entry entry) {
            if (full) {
                throw new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "no space left on device");
            }
            written.removeIf(e -> e.requestId().equals(entry.requestId()));
            written.add(entry);
        }

        @Override
        public void remove(String migration) {
            written.removeIf(e -> e.migration().equals(migration));
        }

        @Override
        public List<Entry> readAll() {
            return List.copyOf(written);
        }
    };

    private final KnownRequests requests = new KnownRequests(() -> 0, () -> 1000);

    private static MigrationRecord record(Side runsOn, MigrationState state) {
        return new MigrationRecord(() -> 0, 1000, f -> {
            f.id = ID;
            f.guest = "db1";
            f.peer = "there:1";
            f.runsOn = runsOn;
            f.state = state;
        });
    }

    private static Journal.Entry handedOver() {
        return new Journal.Entry(
                ID,
                Side.SOURCE,
                Journal.Step.HANDED_OVER,
                1,
                "db1",
                "there:1",
                "r1",
                false,
                1000,
                0,
                LostPagePolicy.defaults(),
                "");
    }

    /** A guest waits for its pages: that there is no room for a word is no reason to let it. */
    @Test
    void shouldFollowWhatIsRecoveredThoughNothingCanBeWritten() {
        requests.remember(log, List.of());
        requests.begun("r1", "f", record(Side.SOURCE, MigrationState.PREPARING));
        KnownRequests next = new KnownRequests(() -> 0, () -> 2000);
        next.remember(log, List.of(handedOver()));
        full = true;
        MigrationRecord recovered = record(Side.DESTINATION, MigrationState.RECOVERING);
        next.follow("r1", recovered);
        recovered.state(MigrationState.POSTCOPY, "the destination is back");
        full = false;
        recovered.state(MigrationState.COMPLETED, "everything is there");
        assertThat(written).singleElement().satisfies(e -> assertThat(e.state()).isEqualTo(MigrationState.COMPLETED));
    }

    /** The journal's entry goes before the last state: a daemon that dies in between leaves only this. */
    @Test
    void shouldKnowThatAGuestWasTakenBackBeforeItsMigrationHasEnded() {
        requests.remember(log, List.of());
        MigrationRecord record = record(Side.SOURCE, MigrationState.SWITCHOVER);
        requests.begun("r1", "f", record);
        requests.follow("r1", record);
        record.update(f -> f.runsOn = Side.DESTINATION);
        record.state(MigrationState.POSTCOPY, "the guest runs there");
        record.state(MigrationState.RECOVERING, "it is lost there");
        record.runsOn(Side.SOURCE);

        KnownRequests next = new KnownRequests(() -> 0, () -> 2000);
        next.remember(log, List.of());
        assertThat(next.find("r1", "db1", "f")).hasValueSatisfying(r -> {
            assertThat(r.snapshot().runsOn()).isEqualTo(Side.SOURCE);
            assertThat(r.snapshot().state()).isEqualTo(MigrationState.FAILED);
        });
    }
}
