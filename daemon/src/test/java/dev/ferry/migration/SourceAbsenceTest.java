package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SourceAbsenceTest {
    private static final long SECOND = 1_000_000_000L;

    private long now = Long.MAX_VALUE - SECOND; // a clock may turn over
    private final SourceAbsence absence = new SourceAbsence(() -> now, 10 * SECOND);

    @Test
    void shouldCountFromTheBeginningOfOneAbsence() {
        now += 100 * SECOND;
        assertThat(absence.tooLong()).isNull();
        absence.begins("a cut");
        now += 9 * SECOND;
        absence.begins("another stream of it");
        assertThat(absence.tooLong()).isNull();
        now += SECOND;
        assertThat(absence.tooLong()).contains("10 s").contains("another stream");
        absence.ends();
        assertThat(absence.tooLong()).isNull();
        absence.begins("again");
        now += 9 * SECOND;
        assertThat(absence.tooLong()).isNull();
    }

    @Test
    void shouldNotWaitForWhatIsGone() {
        assertThat(absence.isForGood("its QEMU has ended")).isTrue();
        assertThat(absence.isForGood("its QEMU has ended")).isFalse();
        absence.ends();
        assertThat(absence.tooLong()).isEqualTo("its QEMU has ended");
    }

    @Test
    void shouldBePatientForTheLimitOnceMore() {
        absence.isForGood("gone");
        absence.forgive();
        now += 10 * SECOND - 1;
        assertThat(absence.tooLong()).isNull();
        now++;
        assertThat(absence.tooLong()).isEqualTo("gone");
    }
}
