package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.migration.FaultPoint;
import dev.ferry.v1.LostPagePolicy;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Side;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of a guest whose missing pages can no longer be had: by the policy of its migration, and never zeros. */
@Tag("qemu")
class LostPagesTest {
    private static final String BUSY = "rate=5000 write=20 pattern=random";
    private static final String IDLE = "rate=2000 ws=256K write=20";

    private static final class Moving implements AutoCloseable {
        final Lab lab = Lab.withFaults();
        final VerifyingGuest guest;
        final String id;

        Moving(LostPagePolicy policy, double limitSeconds, String accel, String append) throws Exception {
            guest = lab.runOnA(VerifyingGuest.toml("v1", accel, "64MiB", 1, append, ""), "v1");
            id = lab.a
                    .start(
                            "v1",
                            lab.b,
                            Policy.newBuilder()
                                    .setPrecopyRounds(0)
                                    .setPostcopyBandwidthBytesPerSecond(1 << 20)
                                    .setLostPagePolicy(policy)
                                    .setLostPageLimitSeconds(limitSeconds)
                                    .build())
                    .getId();
            Migration begun = lab.a.awaitState(id, MigrationState.POSTCOPY);
            assertThat(begun.getState()).as(begun.getError()).isEqualTo(MigrationState.POSTCOPY);
            assertThat(begun.getLostPagePolicy()).isEqualTo(policy);
            guest.movedTo(lab.b);
            for (int i = 0; i < 3; i++) {
                guest.awaitTick(); // an idle guest has touched all that it touches by then
            }
        }

        void endSourceQemu() throws Exception {
            Guests.end(lab.a.guestDirectory("v1").resolve("pid"));
        }

        void awaitStopped() {
            Await.until("the guest is stopped", () -> lab.b.get(id).getGuestStopped());
        }

        void assertStandsStill() throws Exception {
            Migration now = lab.b.get(id);
            assertThat(now.getState()).isEqualTo(MigrationState.RECOVERING);
            assertThat(now.getRunsOn()).isEqualTo(Side.DESTINATION);
            assertThat(now.getReason()).contains("stopped").contains("ferry resume");
            Await.until(
                    "every thread of its QEMU is stopped",
                    () -> threads(guest.pid()).stream().allMatch(s -> s.startsWith("T")));
            String before = guest.serial();
            TimeUnit.MILLISECONDS.sleep(1500); // it ticks once a second
            assertThat(guest.serial()).isEqualTo(before);
        }

        @Override
        public void close() throws Exception {
            lab.close();
        }
    }

    /** States of all threads. */
    private static List<String> threads(int pid) throws IOException {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/" + pid + "/task"))) {
            return tasks.map(t -> {
                        try {
                            return Files.readAllLines(t.resolve("status")).stream()
                                    .filter(l -> l.startsWith("State:"))
                                    .map(l -> l.substring("State:".length()).strip())
                                    .findFirst()
                                    .orElse("?");
                        } catch (IOException e) {
                            return "?";
                        }
                    })
                    .toList();
        }
    }

    /** A vCPU waits for a page all the time here: QMP stop would not return. */
    @Test
    void shouldStopTheGuestUntilItIsResumedWhenTheSourceIsAwayForTooLong() throws Exception {
        try (Moving m = new Moving(LostPagePolicy.STOP, 1, "tcg", BUSY)) {
            m.lab.a.kill9();
            m.awaitStopped();
            m.assertStandsStill();
            m.lab.b.kill9();
            m.lab.b.start();
            m.awaitStopped();
            m.assertStandsStill();
            assertThat(m.lab.b.get(m.id).getLostPagePolicy()).isEqualTo(LostPagePolicy.STOP);

            // The source's return alone does not let it go on: somebody may have started it elsewhere.
            m.lab.a.start();
            Await.until(
                    "the source is back", () -> m.lab.b.get(m.id).getReason().contains("source is back"));
            m.lab.a.limitPush(m.id, 0);
            Await.until("every page is here", () -> m.lab.b.get(m.id).getMemoryRemainingBytes() == 0);
            m.assertStandsStill();
            assertThat(m.lab.a.get(m.id).getState().getNumber()).isNotEqualTo(MigrationState.COMPLETED_VALUE);
            assertThatThrownBy(() -> m.lab.a.resume(m.id)).hasMessageContaining("destination");
            assertThat(m.lab.b.resume(m.id).getGuestStopped()).isFalse();
            m.guest.awaitTick();
            assertThat(m.lab.a.follow(m.id).getState()).isEqualTo(MigrationState.COMPLETED);
            m.guest.verify();
            assertThat(m.guest.verifyFromOutside().bad()).isEmpty();
            assertThat(m.guest.tracesInProcess()).isEmpty();
        }
    }

    @Test
    void shouldNotWaitForTheLimitWhenTheSourceSaysThatPagesAreGone() throws Exception {
        try (Moving m = new Moving(LostPagePolicy.STOP, 3, "tcg", IDLE)) {
            m.endSourceQemu();
            m.awaitStopped();
            m.assertStandsStill();
            assertThat(m.lab.b.get(m.id).getReason()).contains("QEMU has ended");
            // To save what can be saved: for the limit once more.
            m.lab.b.resume(m.id);
            m.guest.awaitTick();
            m.awaitStopped();
            m.assertStandsStill();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"STOPPED_JOURNALLED", "GUEST_FROZEN", "GUEST_THAWED"})
    void shouldBeStoppedByTheNextDaemonWhenThisOneIsKilledAt(FaultPoint point) throws Exception {
        try (Moving m = new Moving(LostPagePolicy.STOP, 1, "tcg", BUSY)) {
            if (point == FaultPoint.GUEST_THAWED) {
                m.lab.a.kill9();
                m.awaitStopped();
                m.lab.haltAt(point);
                assertThatThrownBy(() -> m.lab.b.resume(m.id)).hasMessageContaining("UNAVAILABLE");
            } else {
                m.lab.haltAt(point);
                m.lab.a.kill9();
            }
            m.lab.b.awaitDeath();
            m.lab.b.start();
            m.awaitStopped();
            m.assertStandsStill();
            m.lab.a.start();
            Await.until(
                    "the source is back", () -> m.lab.b.get(m.id).getReason().contains("source is back"));
            m.lab.b.resume(m.id);
            m.lab.a.limitPush(m.id, 0);
            assertThat(m.lab.a.follow(m.id).getState()).isEqualTo(MigrationState.COMPLETED);
            m.guest.verify();
        }
    }

    /** QEMU has no handler for it under TCG: whoever touches such a page ends it, and never sees a zero. */
    @Test
    void shouldPoisonOnlyWhatIsMissing() throws Exception {
        try (Moving m = new Moving(LostPagePolicy.POISON, 3, "tcg", IDLE)) {
            m.endSourceQemu();
            Migration there = awaitPoisoned(m);
            assertThat(there.getMemoryRemainingBytes()).isEqualTo(there.getPoisonedPages() * 4096);
            assertThat(m.guest.status()).isEqualTo("running");
            m.guest.awaitTick();
            m.lab.b.kill9();
            m.lab.b.start();
            assertThat(awaitPoisoned(m).getPoisonedPages()).isEqualTo(there.getPoisonedPages());
            m.guest.awaitTick();
            int pid = m.guest.pid();
            try (Qmp qmp = new Qmp(m.lab.b.guestDirectory("v1").resolve("monitor.sock"))) {
                qmp.key('v'); // all of its memory
            }
            Await.until("its QEMU has ended", () -> Guests.hasEnded(pid));
            Await.until("the daemon says so", () -> m.lab.b.get(m.id).getError().contains("is lost"));
            assertThat(m.guest.serial()).doesNotContain("VERIFY").doesNotContain("BAD");
        }
    }

    /** The source was only away: what was given up is not taken any more, and its copy is still there for a rollback. */
    @Test
    void shouldNotTakePagesThatWerePoisoned() throws Exception {
        try (Moving m = new Moving(LostPagePolicy.POISON, 1, "tcg", BUSY)) {
            int pid = m.guest.pid();
            m.lab.haltAt(FaultPoint.POISONED_JOURNALLED);
            m.lab.a.kill9();
            m.lab.b.awaitDeath();
            m.lab.b.start();
            Await.until("the guest touched one and has ended", () -> Guests.hasEnded(pid));
            assertThat(m.guest.serial()).doesNotContain("BAD");
            m.lab.a.start();
            Await.until("the source knows", () -> m.lab.a.get(m.id).getReason().contains("lost"));
            Migration end = m.lab.a.rollback(m.id, true, false);
            assertThat(end.getRunsOn()).isEqualTo(Side.SOURCE);
            m.guest.movedTo(m.lab.a);
            m.guest.awaitTick();
            m.guest.verify();
        }
    }

    /** Under KVM too: what QEMU makes of it depends on the kernel, but it is never a zero. */
    @Test
    void shouldNeverGiveZerosForPoisonedPagesUnderKvm() throws Exception {
        Assumptions.assumeTrue(Files.isWritable(Path.of("/dev/kvm")), "/dev/kvm is missing");
        try (Moving m = new Moving(LostPagePolicy.POISON, 3, "kvm", "rate=200 ws=64K write=20 fill=3")) {
            m.endSourceQemu();
            awaitPoisoned(m);
            int pid = m.guest.pid();
            if (!Guests.hasEnded(pid)) {
                try (Qmp qmp = new Qmp(m.lab.b.guestDirectory("v1").resolve("monitor.sock"))) {
                    qmp.key('v'); // all of its memory
                } catch (IOException e) {
                    System.err.println("it ended before that: " + e);
                }
            }
            Await.until("its QEMU has ended", () -> Guests.hasEnded(pid));
            Await.until("the daemon says so", () -> m.lab.b.get(m.id).getError().contains("is lost"));
            System.err.println("KVM, poisoned pages were touched: "
                    + Files.readString(m.lab.b.guestDirectory("v1").resolve("qemu.log")));
            assertThat(m.guest.serial()).doesNotContain("BAD").doesNotContain("VERIFY");
        }
    }

    private static Migration awaitPoisoned(Moving m) {
        Await.until("its missing pages are poisoned", () -> m.lab.b.get(m.id).getPoisonedPages() > 0);
        Migration there = m.lab.b.get(m.id);
        assertThat(there.getState()).isEqualTo(MigrationState.FAILED);
        assertThat(there.getRunsOn()).isEqualTo(Side.DESTINATION);
        assertThat(there.getError()).contains("poisoned");
        return there;
    }
}
