package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.migration.FaultPoint;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Side;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The destination's QEMU dies after the commit. The copy on the source is stale and runs only by an operator's order, and only
 * when nothing of the guest can run at the destination any more.
 */
@Tag("qemu")
class RollbackTest {
    private static final String TOML =
            VerifyingGuest.toml("v1", "tcg", "64MiB", 1, "rate=5000 write=20 pattern=random", "");
    private static final Policy SLOW = Policy.newBuilder()
            .setPrecopyRounds(0)
            .setPostcopyBandwidthBytesPerSecond(3 << 20)
            .build();

    /** A guest in the middle of its post-copy from a to b. */
    private static final class Moving implements AutoCloseable {
        final Lab lab;
        final VerifyingGuest guest;
        final String id;

        Moving() throws Exception {
            lab = Lab.withFaults();
            guest = lab.runOnA(TOML, "v1");
            id = lab.a.start("v1", lab.b, SLOW).getId();
            Migration begun = lab.a.awaitState(id, MigrationState.POSTCOPY);
            assertThat(begun.getState()).as(begun.getError()).isEqualTo(MigrationState.POSTCOPY);
        }

        void endDestinationQemu() throws Exception {
            Guests.end(lab.b.guestDirectory("v1").resolve("pid"));
        }

        void assertRefused(boolean acceptDataLoss, boolean destinationIsFenced, String why) throws IOException {
            assertThatThrownBy(() -> lab.a.rollback(id, acceptDataLoss, destinationIsFenced))
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessageContaining("FAILED_PRECONDITION")
                    .hasMessageContaining(why);
        }

        void assertStaleCopyStands() throws IOException {
            assertThat(guest.status()).isNotEqualTo("running");
        }

        void assertRolledBack(Migration end) throws Exception {
            assertThat(end.getState()).isEqualTo(MigrationState.FAILED);
            assertThat(end.getRunsOn()).isEqualTo(Side.SOURCE);
            assertThat(end.getError())
                    .contains("is lost")
                    .contains("rolled back")
                    .contains("operator");
            assertRunsOnA();
        }

        void assertRunsOnA() throws Exception {
            Await.until("the guest runs on the source", () -> guest.status().equals("running"));
            guest.awaitTick();
            guest.verify();
            Await.until("nothing is left in QEMU", () -> guest.tracesInProcess().isEmpty());
            Await.until(
                    "no journal is left on the source",
                    () -> Lab.journals(lab.a).isEmpty());
        }

        void assertCleanAtDestination() {
            Await.until(
                    "the destination is clean",
                    () -> lab.b.ramFiles().isEmpty()
                            && !java.nio.file.Files.exists(lab.b.guestDirectory("v1"))
                            && Lab.journals(lab.b).isEmpty());
        }

        @Override
        public void close() throws Exception {
            lab.close();
        }
    }

    @Test
    void shouldRunTheStaleCopyByAnOrderOnly() throws Exception {
        try (Moving m = new Moving()) {
            m.assertRefused(false, false, "--accept-data-loss");
            m.assertRefused(true, false, "lives at the destination");
            m.assertRefused(true, true, "lives at the destination");
            assertThat(m.lab.a.get(m.id).getState()).isEqualTo(MigrationState.POSTCOPY);
            assertThat(m.lab.a.get(m.id).getRecoveries())
                    .as("nothing was broken off")
                    .isZero();
            assertThatThrownBy(() -> m.lab.b.rollback(m.id, true, false)).hasMessageContaining("the source");

            m.endDestinationQemu();
            m.assertRefused(false, false, "--accept-data-loss");
            m.assertStaleCopyStands();
            Migration end = m.lab.a.rollback(m.id, true, false);
            m.assertRolledBack(end);
            m.assertCleanAtDestination();
            Migration there = m.lab.b.get(m.id);
            assertThat(there.getState()).isEqualTo(MigrationState.FAILED);
            assertThat(there.getRunsOn()).isEqualTo(Side.SOURCE);
            assertThat(m.lab.a.rollback(m.id, true, false).getError()).isEqualTo(end.getError());

            // It is an ordinary guest again, and may go there again.
            m.lab.move(m.guest, m.lab.a, m.lab.b, Policy.getDefaultInstance());
            m.guest.verify();
        }
    }

    @Test
    void shouldHaveNothingToRollBackBeforeTheCommitAndAfterTheEnd() throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(TOML, "v1");
            String id = lab.a
                    .start(
                            "v1",
                            lab.b,
                            Policy.newBuilder()
                                    .setBandwidthBytesPerSecond(6 << 20)
                                    .build())
                    .getId();
            lab.a.awaitState(id, MigrationState.PRECOPY);
            assertThatThrownBy(() -> lab.a.rollback(id, true, true))
                    .hasMessageContaining("FAILED_PRECONDITION")
                    .hasMessageContaining("ferry cancel");
            lab.a.cancel(id);
            Migration moved = lab.move(guest, lab.a, lab.b, Policy.getDefaultInstance());
            assertThatThrownBy(() -> lab.a.rollback(moved.getId(), true, true))
                    .hasMessageContaining("FAILED_PRECONDITION")
                    .hasMessageContaining("has ended");
        }
    }

    /** The QEMU ended while no daemon looked; what is left of it is known from its files only. */
    @Test
    void shouldBeConfirmedByADaemonThatFoundItsGuestLost() throws Exception {
        try (Moving m = new Moving()) {
            m.lab.b.kill9();
            m.endDestinationQemu();
            m.assertRefused(true, false, "--destination-is-fenced");
            m.assertStaleCopyStands();
            m.lab.b.start();
            assertThat(m.lab.b.get(m.id).getState()).isEqualTo(MigrationState.FAILED);
            m.assertRolledBack(m.lab.a.rollback(m.id, true, false));
            m.assertCleanAtDestination();
            m.lab.b.kill9();
            m.lab.b.start();
            m.assertCleanAtDestination();
        }
    }

    @Test
    void shouldTakeTheOperatorsWordForADestinationThatIsSilent() throws Exception {
        try (Moving m = new Moving()) {
            m.lab.b.kill9();
            m.endDestinationQemu();
            Migration end = m.lab.a.rollback(m.id, true, true);
            assertThat(end.getError()).contains("operator has said that it is fenced");
            m.assertRolledBack(end);
            m.lab.b.start();
            assertThat(m.lab.b.get(m.id).getState()).isEqualTo(MigrationState.FAILED);
            assertThat(m.lab.b.get(m.id).getReason()).contains("ended");
        }
    }

    /** Whichever daemon dies at a boundary of a rollback: once it is journalled it is done by itself, before it is ordered anew. */
    @ParameterizedTest
    @EnumSource(
            names = {"LOSS_CONFIRMED", "ROLLBACK_JOURNALLED", "GUEST_WENT_ON", "LOST_QEMU_ENDED", "RENOUNCED_JOURNALLED"
            })
    void shouldNotRunTwiceAndBeDoneWhenADaemonIsKilledAt(FaultPoint point) throws Exception {
        try (Moving m = new Moving()) {
            m.endDestinationQemu();
            Ferryd dies = m.lab.haltAt(point);
            assertThatThrownBy(() -> m.lab.a.rollback(m.id, true, false)).isInstanceOf(StatusRuntimeException.class);
            dies.awaitDeath();
            boolean journalled = point == FaultPoint.ROLLBACK_JOURNALLED || point == FaultPoint.GUEST_WENT_ON;
            if (point != FaultPoint.GUEST_WENT_ON) {
                m.assertStaleCopyStands();
            }
            dies.start();
            if (!journalled) {
                Await.until(
                        "the source asks", () -> m.lab.a.get(m.id).getReason().contains("lost"));
                m.assertStaleCopyStands();
                m.lab.a.rollback(m.id, true, false);
            }
            m.assertRolledBack(m.lab.a.follow(m.id));
            m.assertCleanAtDestination();
        }
    }
}
