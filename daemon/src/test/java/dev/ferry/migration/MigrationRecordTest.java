package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MigrationRecordTest {
    private final MigrationRecord record = new MigrationRecord(() -> 0, 0, f -> f.id = "a1");

    @Test
    void shouldTellListenersOfEveryNewStateUntilTheyLeave() {
        List<MigrationState> told = new ArrayList<>();
        try (MigrationControl.Listening listening =
                record.onStateChange(() -> told.add(record.snapshot().state()))) {
            record.state(MigrationState.PRECOPY, "begins");
            record.update(f -> f.bytesSent = 1);
            record.state(MigrationState.FAILED, "ends");
        }
        assertThat(told).containsExactly(MigrationState.PRECOPY, MigrationState.FAILED);

        List<String> late = new ArrayList<>();
        record.onStateChange(() -> late.add("told")).close();
        record.state(MigrationState.FAILED, "another reason");
        assertThat(late).isEmpty();
    }
}
