package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Side;
import dev.ferry.v1.StartRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Before the commit a cancel undoes everything; after it, it is refused. */
@Tag("qemu")
class CancelTest {
    private static final Policy SLOW =
            Policy.newBuilder().setBandwidthBytesPerSecond(20 << 20).build();
    private static final String LOAD = "rate=5000 write=20 pattern=random";

    static void assertOnTheSourceAsIfNothingHadHappened(Lab lab, VerifyingGuest guest, long touchesBefore)
            throws Exception {
        assertThat(guest.status()).isEqualTo("running");
        assertThat(guest.tracesInProcess()).as("userfaultfds and files of ours").isEmpty();
        guest.awaitTick();
        guest.awaitTick();
        guest.awaitTick();
        assertThat(guest.touchesPerSecond()).isGreaterThan(touchesBefore * 8 / 10);
        guest.verify();
        assertThat(lab.b.ramFiles()).isEmpty();
        assertThat(lab.b.guestDirectory(guest.name)).doesNotExist();
        assertThat(Lab.journals(lab.a)).isEmpty();
    }

    /** After so many milliseconds of a move that would take 13 s: in PREPARING and at several points of PRECOPY. */
    @ParameterizedTest
    @ValueSource(ints = {0, 50, 150, 400, 1500})
    void shouldLeaveTheGuestOnTheSourceAtFullSpeed(int afterMs) throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(VerifyingGuest.toml("v1", "tcg", "256MiB", 1, LOAD, ""), "v1");
            guest.awaitTick();
            guest.awaitTick();
            long touches = guest.touchesPerSecond();
            String id = lab.a.start("v1", lab.b, SLOW).getId();
            Thread.sleep(afterMs); // the moment is the point of the test, nothing is awaited by it
            Migration end = lab.a.cancel(id);
            assertThat(end.getState()).as(end.getError()).isEqualTo(MigrationState.CANCELLED);
            assertThat(end.getRunsOn()).isEqualTo(Side.SOURCE);
            assertOnTheSourceAsIfNothingHadHappened(lab, guest, touches);
        }
    }

    /** As close to the commit as a cancel gets: whichever wins, the guest is whole and runs once. */
    @Test
    void shouldDecideOnceBetweenCancelAndCommit() throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(VerifyingGuest.toml("v1", "tcg", "128MiB", 1, LOAD, ""), "v1");
            Ferryd from = lab.a;
            Ferryd to = lab.b;
            for (int i = 0; i < 12; i++) {
                String id = from.start("v1", to, Policy.getDefaultInstance()).getId();
                from.awaitState(id, i % 2 == 0 ? MigrationState.SWITCHOVER : MigrationState.PRECOPY);
                if (i % 2 != 0) {
                    from.awaitState(id, MigrationState.SWITCHOVER);
                }
                boolean cancelled;
                try {
                    cancelled = from.cancel(id).getState() == MigrationState.CANCELLED;
                } catch (StatusRuntimeException e) {
                    assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
                    cancelled = false;
                }
                Migration end = from.follow(id);
                assertThat(end.getState())
                        .as(end.getError())
                        .isEqualTo(cancelled ? MigrationState.CANCELLED : MigrationState.COMPLETED);
                if (!cancelled) {
                    guest.movedTo(to);
                    Ferryd t = from;
                    from = to;
                    to = t;
                }
                assertThat(to.guestDirectory("v1")).doesNotExist();
                assertThat(guest.status()).isEqualTo("running");
                guest.verify();
            }
        }
    }

    @Test
    void shouldRefuseACancelAfterTheCommit() throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(VerifyingGuest.toml("v1", "tcg", "128MiB", 1, LOAD, ""), "v1");
            Policy policy = Policy.newBuilder()
                    .setPrecopyRounds(0)
                    .setPostcopyBandwidthBytesPerSecond(30 << 20)
                    .build();
            String id = lab.a.start("v1", lab.b, policy).getId();
            assertThat(lab.a.awaitState(id, MigrationState.POSTCOPY).getRunsOn())
                    .isEqualTo(Side.DESTINATION);
            assertThatThrownBy(() -> lab.a.cancel(id))
                    .isInstanceOfSatisfying(
                            StatusRuntimeException.class,
                            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION));
            Migration end = lab.a.follow(id);
            assertThat(end.getState()).as(end.getError()).isEqualTo(MigrationState.COMPLETED);
            assertThat(end.getPostcopy().getRemoteFaults()).isPositive();
            guest.movedTo(lab.b);
            guest.verify();
            guest.verifyFromOutside();
        }
    }

    @Test
    void shouldBeOneMigrationForOneRequestIdAndRefuseASecond() throws Exception {
        try (Lab lab = new Lab()) {
            lab.runOnA(VerifyingGuest.toml("v1", "tcg", "128MiB", 1, LOAD, ""), "v1");
            StartRequest request = StartRequest.newBuilder()
                    .setGuest("v1")
                    .setTo(lab.b.peer)
                    .setRequestId("r-1")
                    .setPolicy(SLOW)
                    .build();
            Migration first = lab.a.migrations().start(request);
            assertThat(lab.a.migrations().start(request).getId()).isEqualTo(first.getId());
            assertThatThrownBy(() -> lab.a.start("v1", lab.b, SLOW))
                    .isInstanceOfSatisfying(
                            StatusRuntimeException.class,
                            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.ALREADY_EXISTS));
            lab.a.cancel(first.getId());
        }
    }
}
