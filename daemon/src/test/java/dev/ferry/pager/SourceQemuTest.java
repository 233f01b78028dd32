package dev.ferry.pager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.migration.SourceGuest;
import dev.ferry.qemu.QemuGuest;
import dev.ferry.qemu.QemuRamBlock;
import dev.ferry.sys.Debugger;
import dev.ferry.sys.ProcFs;
import dev.ferry.sys.RemoteUserfaultfd;
import dev.ferry.sys.SysException;
import dev.ferry.sys.Userfaultfd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest that leaves, as far as its QEMU notices. */
@Tag("qemu")
@Timeout(60)
class SourceQemuTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    @Test
    void shouldLeaveAMigrationAloneWhenTheGuestIsChecked() throws Exception {
        try (Qemus qemus = new Qemus()) {
            QemuGuest guest = qemus.run("a");
            try (SourceGuest migration = qemus.host.openSource("a")) {
                migration.prepareDeviceState();
                migration.memory().startTracking();
                try (SourceGuest check = qemus.host.openSource("a")) {
                    assertThat(check.preflight()).isEmpty();
                }
                int score = ProcFs.oomScoreAdjust(guest.process().pid());
                migration.stop();
                assertThat(ProcFs.oomScoreAdjust(guest.process().pid()))
                        .isEqualTo(mayLowerOomScores() ? OutOfMemory.SPARED : score);
                assertThat(migration.saveDeviceState()).hasSizeGreaterThan(10_000);
                migration.cont();
                assertThat(ProcFs.oomScoreAdjust(guest.process().pid())).isEqualTo(score);
                migration.memory().stopTracking();
            }
            assertThat(guest.status()).isEqualTo("running");
            assertThat(guest.execute("query-fdsets", null, LIMIT)).isEmpty();
        }
    }

    /** CAP_SYS_RESOURCE: without it the kernel refuses, and the migration goes on all the same. */
    private static boolean mayLowerOomScores() throws IOException {
        String line = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(l -> l.startsWith("CapEff:"))
                .findFirst()
                .orElseThrow();
        return (Long.parseUnsignedLong(line.substring(7).strip(), 16) >> 24 & 1) == 1;
    }

    @Test
    void shouldTrackOnceAndStopHarmlessly() throws Exception {
        try (Qemus qemus = new Qemus()) {
            QemuGuest guest = qemus.run("a");
            try (ProcessSourceMemory memory = new ProcessSourceMemory(guest)) {
                memory.stopTracking();
                memory.startTracking();
                assertThatThrownBy(memory::startTracking).isInstanceOf(IllegalStateException.class);
                assertThat(Qemus.userfaultfds(guest)).isEqualTo(1);
                memory.stopTracking();
                memory.stopTracking();
                assertThat(Qemus.userfaultfds(guest)).isZero();
                assertThat(Qemus.registeredMappings(guest)).isZero();
            }
        }
    }

    @Test
    void shouldUndoATrackingThatFailsHalfWay() throws Exception {
        try (Qemus qemus = new Qemus()) {
            QemuGuest guest = qemus.run("a");
            QemuRamBlock last = guest.blocks().get(guest.blocks().size() - 1);
            assertThat(last.block().index()).isPositive();
            RemoteUserfaultfd.Injected foreign = guest.injectUserfaultfd();
            foreign.local().api(Userfaultfd.FEATURE_WP_ASYNC | Userfaultfd.FEATURE_WP_UNPOPULATED);
            foreign.local().register(last.hostAddress(), last.block().lengthBytes(), Userfaultfd.MODE_WP);
            long before = Qemus.registeredMappings(guest);
            try (ProcessSourceMemory memory = new ProcessSourceMemory(guest)) {
                assertThatThrownBy(memory::startTracking)
                        .isInstanceOf(SysException.class)
                        .hasMessageContaining("EBUSY");
                assertThat(Qemus.userfaultfds(guest)).isEqualTo(1);
                assertThat(Qemus.registeredMappings(guest)).isEqualTo(before);
                foreign.local().close();
                RemoteUserfaultfd.closeRemote(guest.process(), foreign.remoteFd());
                memory.startTracking();
                memory.stopTracking();
            }
            assertThat(Qemus.userfaultfds(guest)).isZero();
        }
    }

    /** What an earlier daemon left may be hard to remove, here because a debugger has the process. */
    @Test
    void shouldLetTheGuestGoOnBeforeItCleansUp() throws Exception {
        try (Qemus qemus = new Qemus()) {
            QemuGuest guest = qemus.run("a");
            guest.injectUserfaultfd().local().close();
            guest.stop(LIMIT);
            new OutOfMemory(guest.process()).spare();
            try (Debugger debugger = new Debugger(guest.process().pid())) {
                assertThatThrownBy(() -> qemus.host.undoDeparture("a")).hasMessageContaining("debugger");
                assertThat(guest.status()).isEqualTo("running");
            }
            qemus.host.undoDeparture("a");
            assertThat(Qemus.userfaultfds(guest)).isZero();
            assertThat(guest.status()).isEqualTo("running");
            assertThat(ProcFs.oomScoreAdjust(guest.process().pid())).isZero();
        }
    }
}
