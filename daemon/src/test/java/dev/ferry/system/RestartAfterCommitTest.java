package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.v1.DetachGuestRequest;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Side;
import dev.ferry.v1.StartRequest;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** kill -9 of either daemon, or both, while the guest runs on the destination and most of its pages are still on the source. */
@Tag("qemu")
class RestartAfterCommitTest {
    private static final String TOML =
            VerifyingGuest.toml("v1", "tcg", "256MiB", 1, "rate=5000 write=20 pattern=random", "");

    private static Policy slowPush(int precopyRounds) {
        return Policy.newBuilder()
                .setPrecopyRounds(precopyRounds)
                .setPrecopySeconds(1)
                .setBandwidthBytesPerSecond(100 << 20)
                .setPostcopyBandwidthBytesPerSecond(24 << 20)
                .build();
    }

    /** Two daemons and a guest in the middle of its post-copy from a to b. */
    private static final class Moving implements AutoCloseable {
        final Lab lab = new Lab();
        final VerifyingGuest guest;
        final int sourcePid;
        final String id;

        Moving(int precopyRounds) throws Exception {
            guest = lab.runOnA(TOML, "v1");
            sourcePid = guest.pid();
            id = lab.a.start("v1", lab.b, slowPush(precopyRounds)).getId();
            assertThat(lab.a.awaitState(id, MigrationState.POSTCOPY).getState()).isEqualTo(MigrationState.POSTCOPY);
            guest.movedTo(lab.b);
            guest.awaitTick();
        }

        /** Nobody types anything. */
        void awaitItsEnd() throws Exception {
            Migration end = lab.a.follow(id);
            String logs = end.getReason() + " " + end.getError() + "\n" + lab.a.log() + "\n" + lab.b.log();
            assertThat(end.getState()).as(logs).isEqualTo(MigrationState.COMPLETED);
            assertThat(end.getRunsOn()).isEqualTo(Side.DESTINATION);
            assertThat(end.getRecoveries()).as(logs).isPositive();
            guest.awaitTick();
            guest.verify();
            assertThat(guest.verifyFromOutside().pages()).isGreaterThan(60_000);
            assertThat(Guests.hasEnded(sourcePid)).as(logs).isTrue();
            assertThat(lab.a.guestDirectory("v1")).doesNotExist();
            assertThat(lab.a.ramFiles()).isEmpty();
            assertThat(guest.tracesInProcess()).isEmpty();
            assertThat(Lab.journals(lab.a)).isEmpty();
            assertThat(Lab.journals(lab.b)).isEmpty();
            assertThat(lab.b
                            .guests()
                            .show(dev.ferry.v1.ShowGuestRequest.newBuilder()
                                    .setName("v1")
                                    .build())
                            .getStatus())
                    .isEqualTo(dev.ferry.v1.GuestStatus.RUNNING);
            // It is an ordinary guest there: it can go back.
            lab.move(guest, lab.b, lab.a, Policy.getDefaultInstance());
            guest.verify();
        }

        @Override
        public void close() throws Exception {
            lab.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"0", "1"})
    void shouldGoOnWhenTheDestinationDaemonIsKilled(int precopyRounds) throws Exception {
        try (Moving m = new Moving(precopyRounds)) {
            m.lab.b.kill9();
            Migration waiting = m.lab.a.awaitState(m.id, MigrationState.RECOVERING);
            assertThat(waiting.getRunsOn()).isEqualTo(Side.DESTINATION);
            long began = System.nanoTime();
            m.lab.b.start();
            assertThat(m.lab.b.get(m.id).getRunsOn()).isEqualTo(Side.DESTINATION);
            awaitDemandPage(m, 0);
            say("destination", precopyRounds, began);
            assertMoving(m, m.lab.b);
            m.awaitItsEnd();
        }
    }

    @ParameterizedTest
    @CsvSource({"0", "1"})
    void shouldGoOnWhenTheSourceDaemonIsKilled(int precopyRounds) throws Exception {
        try (Moving m = new Moving(precopyRounds)) {
            m.lab.a.kill9();
            assertThat(m.lab.b.awaitState(m.id, MigrationState.RECOVERING).getRunsOn())
                    .isEqualTo(Side.DESTINATION);
            long demanded = m.lab.b.get(m.id).getPostcopy().getDemandPages();
            long began = System.nanoTime();
            m.lab.a.start();
            Migration again = m.lab.a.get(m.id);
            assertThat(again.getGuest()).isEqualTo("v1");
            assertThat(again.getPeer()).isEqualTo(m.lab.b.peer);
            assertThat(again.getRunsOn()).isEqualTo(Side.DESTINATION);
            awaitDemandPage(m, demanded);
            say("source", precopyRounds, began);
            assertMoving(m, m.lab.a);
            assertThatThrownBy(() -> m.lab.a.cancel(m.id))
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessageContaining("FAILED_PRECONDITION");
            m.awaitItsEnd();
        }
    }

    @ParameterizedTest
    @CsvSource({"0, true, 0", "0, false, 0", "1, true, 0", "0, true, 2"})
    void shouldGoOnWhenBothDaemonsAreKilled(int precopyRounds, boolean destinationFirst, int idleSeconds)
            throws Exception {
        try (Moving m = new Moving(precopyRounds)) {
            m.lab.a.kill9();
            // With nobody at the source the link is idle and the guest waits.
            TimeUnit.SECONDS.sleep(idleSeconds);
            m.lab.b.kill9();
            long began = System.nanoTime();
            (destinationFirst ? m.lab.b : m.lab.a).start();
            (destinationFirst ? m.lab.a : m.lab.b).start();
            awaitDemandPage(m, 0);
            say("both", precopyRounds, began);
            m.awaitItsEnd();
        }
    }

    /** A service manager's stop: the same, without loss. */
    @Test
    void shouldGoOnWhenTheDaemonsAreStoppedAndStarted() throws Exception {
        try (Moving m = new Moving(0)) {
            m.lab.b.stop();
            m.lab.b.start();
            assertThat(m.lab.a.awaitState(m.id, MigrationState.POSTCOPY).getState())
                    .isEqualTo(MigrationState.POSTCOPY);
            m.lab.a.stop();
            m.lab.a.start();
            m.awaitItsEnd();
        }
    }

    @Test
    void shouldSayThatTheGuestIsLostWhenItsQemuEndedWithTheDaemon() throws Exception {
        try (Moving m = new Moving(0)) {
            m.lab.b.kill9();
            Guests.end(m.lab.b.guestDirectory("v1").resolve("pid"));
            m.lab.b.start();
            Migration lost = m.lab.b.get(m.id);
            assertThat(lost.getState()).isEqualTo(MigrationState.FAILED);
            assertThat(lost.getRunsOn()).isEqualTo(Side.DESTINATION);
            assertThat(lost.getError()).contains("lost").contains("stale");
            // The source is told, and does not start its copy: neither now nor after a restart.
            Await.until("the source knows", () -> m.lab.a.get(m.id).getReason().contains("lost"));
            m.lab.a.kill9();
            m.lab.a.start();
            Await.until(
                    "the source knows again",
                    () -> m.lab.a.get(m.id).getReason().contains("lost"));
            assertThat(m.lab.a.get(m.id).getState()).isEqualTo(MigrationState.RECOVERING);
            m.guest.movedTo(m.lab.a);
            assertThat(m.guest.status()).isNotEqualTo("running");
        }
    }

    private static void awaitDemandPage(Moving m, long above) {
        Await.until("a page comes on demand", () -> {
            Migration now = m.lab.b.get(m.id);
            return now.getPostcopy().getDemandPages() > above || now.getState() == MigrationState.COMPLETED;
        });
    }

    private static void say(String who, int precopyRounds, long began) {
        System.err.println("restart of " + who + ", " + precopyRounds + " rounds: first fault served after "
                + (System.nanoTime() - began) / 1_000_000 + " ms");
    }

    /** The guest counts as moving, and one request is one migration, also for the next daemon. */
    private static void assertMoving(Moving m, Ferryd host) {
        assertThatThrownBy(() -> host.migrations()
                        .start(StartRequest.newBuilder()
                                .setGuest("v1")
                                .setTo(m.lab.b.peer)
                                .build()))
                .isInstanceOf(StatusRuntimeException.class);
        assertThatThrownBy(() -> host.guests()
                        .detach(DetachGuestRequest.newBuilder().setName("v1").build()))
                .isInstanceOf(StatusRuntimeException.class);
    }
}
