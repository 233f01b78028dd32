package dev.ferry.migration;

import static dev.ferry.migration.MigrationState.CANCELLED;
import static dev.ferry.migration.MigrationState.COMPLETED;
import static dev.ferry.migration.MigrationState.FAILED;
import static dev.ferry.migration.MigrationState.POSTCOPY;
import static dev.ferry.migration.MigrationState.PRECOPY;
import static dev.ferry.migration.MigrationState.PREPARING;
import static dev.ferry.migration.MigrationState.RECOVERING;
import static dev.ferry.migration.MigrationState.SWITCHOVER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.NanoClock;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MigrationStateTest {
    private static final Map<MigrationState, Set<MigrationState>> LEGAL = Map.of(
            PREPARING, Set.of(PRECOPY, SWITCHOVER, CANCELLED, FAILED),
            PRECOPY, Set.of(SWITCHOVER, CANCELLED, FAILED),
            SWITCHOVER, Set.of(POSTCOPY, RECOVERING, CANCELLED, FAILED),
            POSTCOPY, Set.of(RECOVERING, COMPLETED, FAILED),
            RECOVERING, Set.of(POSTCOPY, COMPLETED, CANCELLED, FAILED),
            COMPLETED, Set.of(),
            CANCELLED, Set.of(),
            FAILED, Set.of());

    @ParameterizedTest
    @EnumSource
    void shouldAllowJustTheLegalChanges(MigrationState from) {
        for (MigrationState to : MigrationState.values()) {
            assertThat(from.mayBecome(to))
                    .as(from + " -> " + to)
                    .isEqualTo(LEGAL.get(from).contains(to));
        }
        assertThat(from.hasEnded()).isEqualTo(LEGAL.get(from).isEmpty());
    }

    @ParameterizedTest
    @EnumSource
    void shouldRefuseAnIllegalChangeInARecord(MigrationState to) {
        MigrationRecord record = new MigrationRecord(NanoClock.system(), 0, f -> f.state = COMPLETED);
        if (to == COMPLETED) {
            record.state(to, "again");
            assertThat(record.snapshot().reason()).isEqualTo("again");
        } else {
            assertThatThrownBy(() -> record.state(to, "x")).isInstanceOf(IllegalStateException.class);
            assertThat(record.state()).isEqualTo(COMPLETED);
        }
    }
}
