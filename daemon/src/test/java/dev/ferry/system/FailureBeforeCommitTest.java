package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Side;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whatever happens to the destination before the commit, the guest runs on the source. */
@Tag("qemu")
class FailureBeforeCommitTest {
    private static final Policy SLOW =
            Policy.newBuilder().setBandwidthBytesPerSecond(40 << 20).build();
    private static final String TOML =
            VerifyingGuest.toml("v1", "tcg", "256MiB", 1, "rate=5000 write=20 pattern=random", "");

    private static void assertFailedOnTheSource(Migration end) {
        assertThat(end.getState()).isEqualTo(MigrationState.FAILED);
        assertThat(end.getRunsOn()).isEqualTo(Side.SOURCE);
        assertThat(end.getError()).contains("runs on the source");
    }

    @Test
    void shouldSurviveTheEndOfTheDestinationQemu() throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(TOML, "v1");
            guest.awaitTick();
            guest.awaitTick();
            long touches = guest.touchesPerSecond();
            String id = lab.a.start("v1", lab.b, SLOW).getId();
            lab.a.awaitState(id, MigrationState.PRECOPY);
            Guests.end(lab.b.guestDirectory("v1").resolve("pid"));
            assertFailedOnTheSource(lab.a.follow(id));
            CancelTest.assertOnTheSourceAsIfNothingHadHappened(lab, guest, touches);
            // And it can still move.
            lab.move(guest, lab.a, lab.b, Policy.getDefaultInstance());
            guest.verify();
        }
    }

    @Test
    void shouldSurviveTheEndOfTheDestinationDaemon() throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(TOML, "v1");
            String id = lab.a.start("v1", lab.b, SLOW).getId();
            lab.a.awaitState(id, MigrationState.PRECOPY);
            lab.b.kill9();
            assertFailedOnTheSource(lab.a.follow(id));
            assertThat(guest.status()).isEqualTo("running");
            assertThat(guest.tracesInProcess()).isEmpty();
            guest.verify();
            // The daemon that comes back ends what it had begun.
            lab.b.start();
            assertThat(lab.b.guestDirectory("v1")).doesNotExist();
            assertThat(lab.b.ramFiles()).isEmpty();
            assertThat(lab.b.home.resolve("run/migrations")).isEmptyDirectory();
            lab.move(guest, lab.a, lab.b, Policy.getDefaultInstance());
            guest.verify();
        }
    }

    @Test
    void shouldRefuseADestinationWithoutMemoryAndSurviveOneThatRunsFull() throws Exception {
        Path mount = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-full-");
        run("mount", "-t", "tmpfs", "-o", "size=300m", "ferry-test-full", mount.toString());
        try (Lab lab = new Lab("", "[guests]\nram_dir = \"" + mount + "\"\n")) {
            VerifyingGuest guest = lab.runOnA(TOML, "v1");
            Path filler = mount.resolve("filler");
            Files.write(filler, new byte[100 << 20]);
            assertThatThrownBy(() -> lab.a.start("v1", lab.b, SLOW))
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessageContaining("DESTINATION_MEMORY");
            Files.delete(filler);

            String id = lab.a.start("v1", lab.b, SLOW).getId();
            lab.a.awaitState(id, MigrationState.PRECOPY);
            Files.write(filler, new byte[200 << 20]);
            assertFailedOnTheSource(lab.a.follow(id));
            assertThat(guest.status()).isEqualTo("running");
            assertThat(guest.tracesInProcess()).isEmpty();
            guest.verify();
        } finally {
            run("umount", "-l", mount.toString());
            Guests.removeTree(mount);
        }
    }

    /** After the commit nothing is given up: the guest waits for room. */
    @Test
    void shouldWaitForRoomWhenTheDestinationRunsFullAfterTheCommit() throws Exception {
        Path mount = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-full-");
        run("mount", "-t", "tmpfs", "-o", "size=300m", "ferry-test-full", mount.toString());
        try (Lab lab = new Lab("", "[guests]\nram_dir = \"" + mount + "\"\n")) {
            VerifyingGuest guest = lab.runOnA(TOML, "v1");
            Policy policy = Policy.newBuilder()
                    .setPrecopyRounds(0)
                    .setPostcopyBandwidthBytesPerSecond(4 << 20)
                    .build();
            String id = lab.a.start("v1", lab.b, policy).getId();
            lab.a.awaitState(id, MigrationState.POSTCOPY);
            Path filler = mount.resolve("filler");
            run("sh", "-c", "head -c 1G /dev/zero 2>&- > " + filler + "; true"); // until it is full
            Await.until(
                    "the source says what it waits for",
                    () -> lab.a.get(id).getReason().contains("No space left"));
            assertThat(lab.a.get(id).getRunsOn()).isEqualTo(Side.DESTINATION);
            Files.delete(filler);
            Migration moved = lab.a.follow(id);
            assertThat(moved.getState()).as(moved.getError()).isEqualTo(MigrationState.COMPLETED);
            guest.movedTo(lab.b);
            guest.verify();
        } finally {
            run("umount", "-l", mount.toString());
            Guests.removeTree(mount);
        }
    }

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}
