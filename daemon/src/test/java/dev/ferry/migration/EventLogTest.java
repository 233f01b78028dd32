package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.FerryException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventLogTest {
    private final EventLog log = new EventLog(0xabc, 4, () -> 77);
    private final MigrationRecord record = new MigrationRecord(() -> 0, 1, f -> f.id = "00000000000000a1");

    private static List<Long> sequences(List<EventLog.Event> events) {
        return events.stream().map(EventLog.Event::sequence).toList();
    }

    private static String reason(Throwable e) {
        return ((FerryException) e).reason();
    }

    @Test
    void shouldGiveEachEventOnceFromAnyPosition() {
        for (int i = 0; i < 3; i++) {
            log.append(EventLog.Kind.STATE, record.snapshot());
        }
        assertThat(sequences(log.after(0, 100))).containsExactly(1L, 2L, 3L);
        assertThat(sequences(log.after(0, 2))).containsExactly(1L, 2L);
        assertThat(sequences(log.after(2, 100))).containsExactly(3L);
        assertThat(log.after(log.position(log.token(log.last())), 100)).isEmpty();
    }

    @Test
    void shouldSayThatEventsAreGoneInsteadOfLeavingThemOut() {
        for (int i = 0; i < 6; i++) {
            log.append(EventLog.Kind.STATE, record.snapshot());
        }
        assertThat(sequences(log.after(2, 100))).containsExactly(3L, 4L, 5L, 6L);
        assertThatThrownBy(() -> log.after(1, 100))
                .hasMessageContaining("start again from MigrationService.List")
                .satisfies(e -> assertThat(reason(e)).isEqualTo("EVENTS_TOO_OLD"));
    }

    @Test
    void shouldRefuseATokenOfAnEarlierDaemon() {
        String token = new EventLog(0xdef, 4, () -> 77).token(0);
        assertThatThrownBy(() -> log.position(token))
                .satisfies(e -> assertThat(reason(e)).isEqualTo("EVENTS_OF_EARLIER_DAEMON"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"abc-1", "abc", "-1", "abc--1", "abc-99999999999999999999", "x-1"})
    void shouldRefuseWhatIsNoToken(String token) {
        assertThatThrownBy(() -> log.position(token))
                .satisfies(e -> assertThat(reason(e)).isEqualTo("BAD_RESUME_TOKEN"));
    }

    @Test
    void shouldFollowARecordFromItsFirstState() {
        log.follow(record);
        record.state(MigrationState.PRECOPY, "because");
        record.state(MigrationState.PRECOPY, "another reason");
        assertThat(log.after(0, 100))
                .extracting(e -> e.migration().state())
                .containsExactly(MigrationState.PREPARING, MigrationState.PRECOPY);
    }
}
