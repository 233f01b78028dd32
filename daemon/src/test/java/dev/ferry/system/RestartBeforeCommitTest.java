package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Side;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** kill -9 of either daemon, or both, before the commit: it ends with the guest on the source, which can move again. */
@Tag("qemu")
class RestartBeforeCommitTest {
    private static final String TOML =
            VerifyingGuest.toml("v1", "tcg", "64MiB", 1, "rate=5000 write=20 pattern=random", "");
    private static final Policy SLOW =
            Policy.newBuilder().setBandwidthBytesPerSecond(6 << 20).build();

    @ParameterizedTest
    @ValueSource(strings = {"a", "b", "ab", "stop a"})
    void shouldEndWithTheGuestOnTheSource(String who) throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(TOML, "v1");
            String id = lab.a.start("v1", lab.b, SLOW).getId();
            lab.a.awaitState(id, MigrationState.PRECOPY);
            for (Ferryd host : new Ferryd[] {lab.a, lab.b}) {
                if (!who.endsWith(host.home.getFileName().toString()) && !who.equals("ab")) {
                    continue;
                }
                if (who.startsWith("stop")) {
                    host.stop();
                } else {
                    host.kill9();
                }
            }
            if (who.endsWith("b") && !who.startsWith("a")) {
                Migration end = lab.a.follow(id);
                assertThat(end.getState()).isEqualTo(MigrationState.FAILED);
                assertThat(end.getRunsOn()).isEqualTo(Side.SOURCE);
            } else {
                lab.a.start();
            }
            if (who.endsWith("b")) {
                lab.b.start();
            }
            assertThat(guest.status()).isEqualTo("running");
            assertThat(guest.tracesInProcess()).isEmpty();
            assertThat(Lab.journals(lab.a)).isEmpty();
            Await.until("the destination knows", () -> lab.b.ramFiles().isEmpty());
            lab.move(guest, lab.a, lab.b, Policy.getDefaultInstance());
            guest.awaitTick();
            guest.verify();
            guest.verifyFromOutside();
        }
    }

    /** As close to the commit as a kill from outside gets: on either side of it, the guest is whole and runs once. */
    @Test
    void shouldRunOnceWhenTheDaemonsAreKilledAroundTheCommit() throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(TOML, "v1");
            Ferryd from = lab.a;
            Ferryd to = lab.b;
            int moved = 0;
            for (int i = 0; i < 5; i++) {
                int sourcePid = guest.pid();
                String id = from.start("v1", to, Policy.getDefaultInstance()).getId();
                from.awaitState(id, MigrationState.SWITCHOVER);
                TimeUnit.MILLISECONDS.sleep(i * 15L); // the moment is the point of the test
                (i % 2 == 0 ? from : to).kill9();
                if (i == 3) {
                    from.kill9();
                    from.start();
                }
                (i % 2 == 0 ? from : to).start();
                boolean gone = hasMoved(from, id, sourcePid);
                assertThat(Guests.hasEnded(sourcePid)).as(from.log()).isEqualTo(gone);
                if (gone) {
                    moved++;
                    guest.movedTo(to);
                    Ferryd t = from;
                    from = to;
                    to = t;
                }
                Ferryd elsewhere = to;
                Await.until("one is left", () -> !Files.exists(elsewhere.guestDirectory("v1")));
                assertThat(guest.status()).isEqualTo("running");
                guest.verify();
            }
            System.err.println("killed around the commit: moved " + moved + " of 5 times");
        }
    }

    /** One that ended, either way, with a daemon that is gone is not known any more: then its QEMU says it. */
    private static boolean hasMoved(Ferryd from, String id, int sourcePid) {
        try {
            Migration end = from.follow(id);
            assertThat(end.getState()).isIn(MigrationState.COMPLETED, MigrationState.FAILED);
            return end.getState() == MigrationState.COMPLETED;
        } catch (StatusRuntimeException e) {
            assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
            return Guests.hasEnded(sourcePid);
        }
    }
}
