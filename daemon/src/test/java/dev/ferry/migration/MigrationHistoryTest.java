package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.migration.MigrationEvent.Kind;
import dev.ferry.migration.MigrationSnapshot.PrecopyCounts;
import java.util.List;
import org.junit.jupiter.api.Test;

class MigrationHistoryTest {
    private long nowNs;
    private final MigrationRecord record = new MigrationRecord(() -> nowNs, 0, f -> {
        f.id = "a1";
        f.reason = "begins";
    });

    private List<Kind> kinds() {
        return record.events().stream().map(MigrationEvent::kind).toList();
    }

    @Test
    void shouldFindWhatChangedWithItsTime() {
        nowNs = 5_000_000;
        record.state(MigrationState.PRECOPY, "sends");
        record.update(f -> f.precopy = new PrecopyCounts(1, 0, 0, 0, 0, ""));
        record.update(f -> f.bytesSent = 7);
        record.update(f -> f.precopy = new PrecopyCounts(1, 10, 0, 0, 0, "rule"));
        record.update(f -> f.limits = new Limits(200 << 20, 0));
        record.update(f -> f.recoveries++);
        record.state(MigrationState.PRECOPY, "connected again");
        record.update(f -> f.guestStopped = true);
        record.update(f -> f.guestStopped = false);
        record.update(f -> f.poisonedPages = 3);
        assertThat(kinds())
                .containsExactly(
                        Kind.STATE,
                        Kind.STATE,
                        Kind.ROUND,
                        Kind.PRECOPY_ENDED,
                        Kind.LIMITS,
                        Kind.RECOVERY,
                        Kind.REASON,
                        Kind.GUEST_STOPPED,
                        Kind.GUEST_RESUMED,
                        Kind.POISONED);
        assertThat(record.events().get(0))
                .isEqualTo(new MigrationEvent(0, Kind.STATE, MigrationState.PREPARING, "begins", 1));
        assertThat(record.events().get(1).atNs()).isEqualTo(5_000_000);
        assertThat(record.events().get(4).text())
                .isEqualTo("pre-copy at most 200.0 MiB/s, background push without limit");
    }

    @Test
    void shouldPutAFloodOfDamagedMessagesTogether() {
        for (int i = 0; i < 1000; i++) {
            record.update(f -> f.damagedMessages++);
        }
        assertThat(kinds()).containsExactly(Kind.STATE, Kind.DAMAGED);
        assertThat(record.events().get(1).times()).isEqualTo(1000);
    }

    @Test
    void shouldKeepTheFirstAndTheLastOfVeryMany() {
        record.state(MigrationState.PRECOPY, "sends");
        for (int i = 0; i < 10_000; i++) {
            record.state(MigrationState.PRECOPY, "reason " + i);
        }
        List<MigrationEvent> all = record.events();
        assertThat(all).hasSize(MigrationHistory.FIRST + MigrationHistory.LAST);
        assertThat(record.droppedEvents()).isEqualTo(10_002 - all.size());
        assertThat(all.get(0).text()).isEqualTo("begins");
        assertThat(all.get(all.size() - 1).text()).isEqualTo("reason 9999");
    }
}
