package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.FerryException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
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

    /** An arrival's state is changed by event loops and by calls. */
    @Test
    void shouldEndWithTheStateThatTheRecordHas() throws Exception {
        for (int round = 0; round < 200; round++) {
            EventLog all = new EventLog(0xabc, 1000, () -> 77);
            MigrationRecord both = new MigrationRecord(() -> 0, 1, f -> f.state = MigrationState.POSTCOPY);
            all.follow(both);
            CountDownLatch go = new CountDownLatch(1);
            Thread other = new Thread(() -> {
                try {
                    go.await();
                } catch (InterruptedException e) {
                    return;
                }
                both.stateIf(MigrationState.POSTCOPY, MigrationState.RECOVERING, "the old stream closes");
            });
            other.start();
            go.countDown();
            both.stateIf(MigrationState.RECOVERING, MigrationState.POSTCOPY, "the new stream opens");
            other.join();
            List<EventLog.Event> events = all.after(0, 1000);
            assertThat(events.get(events.size() - 1).migration().state()).isEqualTo(both.state());
        }
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
