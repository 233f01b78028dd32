package dev.ferry.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.ferry.base.FerryException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a QEMU's user may leave in its guest's directory, and what ferryd makes of it. */
class GuestFilesTest {
    private static final Duration LIMIT = Duration.ofSeconds(8);

    /** Of a string of Java, and of an array, this is more than can be. */
    private static final long SPARSE_BYTES = 3L << 30;

    @TempDir
    private Path home;

    private Path guests;
    private Path guest;
    private Path ramFile;
    private GuestLauncher launcher;

    enum Trap {
        ENDLESS_LINK("ln -sf /dev/zero"),
        FIFO("mkfifo"),
        SPARSE_FILE("truncate -s " + SPARSE_BYTES),
        DIRECTORY("mkdir");

        private final String command;

        Trap(String command) {
            this.command = command;
        }

        void at(Path file) throws Exception {
            shell(command + " " + file);
        }
    }

    private static void shell(String command) throws Exception {
        assertThat(new ProcessBuilder("/bin/sh", "-c", command).start().waitFor())
                .isZero();
    }

    private static void soon(Executable action) {
        assertTimeoutPreemptively(LIMIT, action);
    }

    @BeforeEach
    void makeGuest() throws IOException {
        guests = home.resolve("guests");
        guest = Files.createDirectories(guests.resolve("a"));
        Path ram = Files.createDirectories(home.resolve("ram"));
        ramFile = Files.createFile(ram.resolve("ferry-m1-a-0.ram"));
        launcher = new GuestLauncher(new HostProfile(guests, ram, "", "", Map.of(), Map.of()), new OwnSession());
    }

    private void assertNothingIsLeft() throws IOException {
        try (Stream<Path> all = Files.list(guests)) {
            assertThat(all).isEmpty();
        }
        assertThat(ramFile).doesNotExist();
    }

    @ParameterizedTest
    @EnumSource
    void shouldCleanUpAGuestWhoseProcessIdIsATrap(Trap trap) throws Exception {
        trap.at(guest.resolve(QemuStarter.STARTED));
        soon(() -> launcher.cleanUp("a", List.of(ramFile)));
        assertNothingIsLeft();
    }

    @ParameterizedTest
    @EnumSource
    void shouldAbandonAGuestWhoseProcessIdIsATrap(Trap trap) throws Exception {
        trap.at(guest.resolve(QemuStarter.STARTED));
        soon(() -> launcher.abandon("a", "m1"));
        assertNothingIsLeft();
    }

    /** Starts where a trap was, and then a QEMU that ends at once makes its log one. */
    @ParameterizedTest
    @EnumSource
    void shouldSayThatQemuEndedWhenItsLogIsATrap(Trap trap) throws Exception {
        trap.at(guest.resolve(QemuStarter.STARTED));
        Path qemu = home.resolve("qemu");
        String log = guest.resolve(QemuStarter.LOG_FILE).toString();
        Files.writeString(qemu, "#!/bin/sh\nrm " + log + "\n" + trap.command + " " + log + "\n");
        Files.setPosixFilePermissions(qemu, PosixFilePermissions.fromString("rwx------"));
        GuestDefinition definition = GuestDefinition.fromToml(
                "name = \"a\"\naccel = \"tcg\"\nmemory = \"64MiB\"\nemulator = \"" + qemu + "\"\n", "a.toml");
        soon(() -> assertThatThrownBy(() -> launcher.run(definition))
                .isInstanceOf(FerryException.class)
                .hasMessageContaining("ended at once"));
        assertThat(guest).doesNotExist();
    }

    @Test
    void shouldReadProcessIdAndTheEndOfALongLog() throws IOException {
        Files.writeString(guest.resolve(QemuStarter.STARTED), "4711\n");
        assertThat(GuestFiles.started(guest)).contains(4711);
        Files.writeString(guest.resolve(QemuStarter.STARTED), "471");
        assertThat(GuestFiles.started(guest)).isEmpty();
        assertThat(GuestFiles.logTail(guest)).isEmpty();
        try (RandomAccessFile log =
                new RandomAccessFile(guest.resolve(QemuStarter.LOG_FILE).toFile(), "rw")) {
            log.seek(SPARSE_BYTES);
            log.writeBytes("no such device\n");
        }
        assertThat(GuestFiles.logTail(guest)).hasSize(2000).endsWith("\0no such device\n");
    }

    @Test
    void shouldRemoveDirectoriesButNothingElsewhere() throws Exception {
        Path outside = Files.createDirectories(home.resolve("outside/inner"));
        Path precious = Files.writeString(outside.resolve("precious"), "x");
        Path deep = Files.createDirectories(guest.resolve("x/y"));
        Files.createFile(deep.resolve("z"));
        for (Path at : List.of(guest, deep)) {
            Files.createSymbolicLink(at.resolve("to-file"), precious);
            Files.createSymbolicLink(at.resolve("to-directory"), outside);
        }
        soon(() -> launcher.cleanUp("a", List.of(ramFile)));
        assertNothingIsLeft();
        assertThat(precious).hasContent("x");
    }
}
