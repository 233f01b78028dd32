package dev.ferry.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QemuStarterTest {
    private static QemuStarter.Start start(Path directory, String... argv) {
        return new QemuStarter.Start("v.1_a-b", "7x", directory, List.of(), Optional.empty(), List.of(argv));
    }

    @Test
    void shouldUseUnitsOnlyWhereTheHostsSystemdStartedThisProcess() {
        assertThat(QemuStarter.choose(Map.of("SYSTEMD_EXEC_PID", "7"), 7)).isInstanceOf(OwnUnit.class);
        // Of a service that started this one, as a runner of tests does.
        assertThat(QemuStarter.choose(Map.of("SYSTEMD_EXEC_PID", "6"), 7)).isInstanceOf(OwnSession.class);
        assertThat(QemuStarter.choose(Map.of("SYSTEMD_EXEC_PID", "7", "MANAGERPID", "5"), 7))
                .isInstanceOf(OwnSession.class);
        assertThat(QemuStarter.choose(Map.of(), 7)).isInstanceOf(OwnSession.class);
    }

    @Test
    void shouldNameAUnitAfterItsGuest() {
        assertThat(new OwnUnit().command(start(Path.of("/d"), "qemu")))
                .startsWith("systemd-run")
                .contains("--unit=ferry-guest-v.1_a-b-7x.service", "--collect");
    }

    @Test
    void shouldKeepSystemdFromReadingVariablesInACommandLine() {
        List<String> command = new OwnUnit().command(start(Path.of("/d"), "qemu", "$HOME", "a${HOME}b", "%n", "$$"));
        assertThat(command).endsWith("qemu", "$$HOME", "a$${HOME}b", "%n", "$$$$");
    }

    @Test
    void shouldBecomeTheProgramAndLeaveItsProcessId(@TempDir Path directory) throws Exception {
        QemuStarter.Start start =
                start(directory, "/bin/sh", "-c", "printf '%s|' \"$@\"; echo $$", "x", "a b", "$HOME", "\"'\\");
        Files.createFile(start.starting());
        new OwnSession().start(start);
        Path log = directory.resolve(QemuStarter.LOG_FILE);
        Awaitility.await()
                .until(() -> Files.exists(log) && Files.readString(log).endsWith("\n"));
        assertThat(Files.readString(log))
                .isEqualTo("a b|$HOME|\"'\\|" + Files.readString(directory.resolve(QemuStarter.STARTED)));
        assertThat(start.starting()).doesNotExist();
    }

    @Test
    void shouldNotStartWhatWasGivenUpMeanwhile(@TempDir Path directory) throws Exception {
        QemuStarter.Start late =
                start(directory, "touch", directory.resolve("ran").toString());
        Process shell = new ProcessBuilder(late.shell()).start();
        assertThat(shell.waitFor()).isNotZero();
        assertThat(directory).isEmptyDirectory();
    }
}
