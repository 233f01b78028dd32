package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.migration.MigrationState;
import dev.ferry.migration.Side;
import dev.ferry.v1.Migration;
import dev.ferry.v1.Phase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SnapshotMessagesTest {
    @Test
    void shouldCarryEveryField() {
        Migration m = SnapshotMessages.of(Snapshots.of(MigrationState.POSTCOPY, 5));

        assertThat(m.getAllFields()).hasSameSizeAs(Migration.getDescriptor().getFields());
        assertThat(m.getPrecopy().getAllFields())
                .hasSameSizeAs(dev.ferry.v1.Precopy.getDescriptor().getFields());
        assertThat(m.getPostcopy().getAllFields())
                .hasSameSizeAs(dev.ferry.v1.Postcopy.getDescriptor().getFields());
        assertThat(m.getId()).isEqualTo(Snapshots.ID);
        assertThat(m.getTotalMs()).isEqualTo(9000);
        assertThat(m.getPrecopy().getMs()).isEqualTo(14);
        assertThat(m.getPostcopy().getMs()).isEqualTo(15);
        assertThat(m.getPostcopy().getFaultLatencyUs().getP999()).isEqualTo(4);
        assertThat(m.getMemoryProcessedBytes()).isEqualTo(600);
        assertThat(m.getStateMs()).isEqualTo(33);
    }

    @Test
    void shouldShowADowntimeThatIsTheSumOfItsPhases() {
        Migration m = SnapshotMessages.of(Snapshots.of(MigrationState.COMPLETED, 5));

        assertThat(m.getDowntimePhasesList()).extracting(Phase::getName).containsExactly("stop", "dirty sync");
        assertThat(m.getDowntimeMs())
                .isEqualTo(m.getDowntimePhasesList().stream()
                        .mapToDouble(Phase::getMs)
                        .sum());
    }

    @ParameterizedTest
    @EnumSource
    void shouldNameEveryState(MigrationState state) {
        assertThat(SnapshotMessages.of(Snapshots.of(state, 1)).getState().name())
                .isEqualTo(state.name());
    }

    @ParameterizedTest
    @EnumSource
    void shouldSayWhatComesNextUntilItHasEnded(MigrationState state) {
        assertThat(SnapshotMessages.of(Snapshots.of(state, 1)).getNext().isEmpty())
                .isEqualTo(state.hasEnded());
    }

    @ParameterizedTest
    @EnumSource
    void shouldNameEverySide(Side side) {
        assertThat(dev.ferry.v1.Side.valueOf(side.name()).getNumber()).isPositive();
    }
}
