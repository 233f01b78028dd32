package dev.ferry.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.GuestControl.GuestView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs real QEMUs (TCG, no disk): the firmware finds nothing to boot, which is guest enough here. */
@Tag("qemu")
@Timeout(60)
class GuestRegistryTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int SIGSTOP = 19;
    private static final int SIGCONT = 18;

    private Path directory;
    private HostProfile host;
    private GuestLauncher launcher;
    private GuestRegistry registry;

    @BeforeEach
    void open() throws IOException {
        directory = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-reg");
        host = new HostProfile(directory.resolve("guests"), directory.resolve("ram"), "", "", Map.of(), Map.of());
        Files.createDirectories(host.ramDir());
        launcher = new GuestLauncher(host, new OwnSession());
        registry = new GuestRegistry(directory.resolve("state"), launcher);
    }

    @AfterEach
    void endAll() throws IOException {
        registry.close();
        if (Files.isDirectory(host.guestsDir())) {
            try (Stream<Path> guests = Files.list(host.guestsDir())) {
                guests.toList().forEach(GuestLauncher::endProcess);
            }
        }
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted((a, b) -> b.compareTo(a)).forEach(GuestLauncher::removeFile);
        }
    }

    private static String toml(String name, String more) {
        return "name = \"" + name + "\"\naccel = \"tcg\"\nmemory = \"64MiB\"\n" + more;
    }

    private static String toml(String name) {
        return toml(name, "args = [\"-display\", \"none\", \"-nodefaults\"]\n");
    }

    private GuestView run(String name) {
        return registry.run(toml(name), name + ".toml");
    }

    private void reopen() {
        registry.close();
        registry = new GuestRegistry(directory.resolve("state"), launcher);
        registry.reconnect(java.util.Set.of());
    }

    private static void assertFails(ThrowingCallable call, ErrorCategory category, String... says) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(category))
                .hasMessageContainingAll(says);
    }

    private List<Path> ramFiles() throws IOException {
        try (Stream<Path> files = Files.list(host.ramDir())) {
            return files.toList();
        }
    }

    @Test
    void shouldRunAndShowAGuest() {
        GuestView view = run("a");
        assertThat(view.status()).isEqualTo("RUNNING");
        assertThat(view.machine()).startsWith("pc-q35-");
        assertThat(view.memoryBytes()).isEqualTo(64L << 20);
        assertThat(view.definitionToml()).contains("name = \"a\"");
        assertThat(registry.list()).extracting(GuestView::name).containsExactly("a");
        assertThat(registry.definition("a").machine()).isEqualTo(view.machine());
        assertThat(registry.knows("a")).isTrue();
        assertFails(() -> run("a"), ErrorCategory.ALREADY_EXISTS, "a");
        assertFails(() -> registry.guest("b"), ErrorCategory.NOT_FOUND, "a");
    }

    @Test
    void shouldRememberGuestsOverARestart() {
        int pid = run("a").pid();
        reopen();
        assertThat(registry.show("a").pid()).isEqualTo(pid);
        assertThat(registry.show("a").status()).isEqualTo("RUNNING");
        registry.guest("a").kill(LIMIT);
        assertThat(registry.show("a").status()).isEqualTo("GONE");
        assertThat(registry.knows("a")).isFalse();
        assertFails(() -> registry.guest("a"), ErrorCategory.UNAVAILABLE, "a");
        reopen();
        assertThat(registry.show("a").status()).isEqualTo("GONE");
        assertThat(run("a").status()).isEqualTo("RUNNING");
    }

    @Test
    void shouldNotTakeAnotherQemuAtTheSamePathForTheGuest() {
        run("a");
        registry.guest("a").kill(LIMIT);
        registry.close();
        GuestDefinition other = GuestDefinition.fromToml(toml("a"), "a.toml");
        launcher.run(other).guest().close();
        reopen();
        assertThat(registry.show("a").status()).isEqualTo("GONE");
    }

    @Test
    void shouldPassOverARecordThatIsBroken() throws IOException {
        run("a");
        Files.writeString(directory.resolve("state/guests/b.json"), "{");
        reopen();
        assertThat(registry.list()).extracting(GuestView::name).containsExactly("a");
    }

    @Test
    void shouldAdoptAndLetGo() {
        int pid = run("a").pid();
        registry.setMoving(name -> Optional.of("m1"));
        assertFails(() -> registry.detach("a"), ErrorCategory.FAILED_PRECONDITION, "m1");
        registry.setMoving(name -> Optional.empty());
        registry.detach("a");
        assertThat(registry.list()).isEmpty();
        String socket = host.guestsDir().resolve("a/qmp.sock").toString();
        assertFails(() -> registry.attach("b", socket, true), ErrorCategory.FAILED_PRECONDITION, "--incoming");
        GuestView view = registry.attach("b", socket, false);
        assertThat(view.pid()).isEqualTo(pid);
        assertThat(view.adopted()).isTrue();
        assertThat(view.definitionToml()).contains("name = \"b\"", "-nodefaults");
        assertFails(
                () -> registry.attach(
                        "c", host.guestsDir().resolve("a/monitor.sock").toString(), false),
                ErrorCategory.ALREADY_EXISTS,
                "b");
    }

    @Test
    void shouldRemoveEverythingOfADepartedGuest() throws IOException {
        registry.run(toml("a", "backing = \"shared\"\nargs = [\"-display\", \"none\"]\n"), "a.toml");
        assertThat(ramFiles()).hasSize(1);
        registry.guest("a").kill(LIMIT);
        registry.forgetDeparted("a");
        registry.forgetDeparted("a");
        assertThat(ramFiles()).isEmpty();
        assertThat(host.guestsDir().resolve("a")).doesNotExist();
        assertThat(registry.list()).isEmpty();
    }

    @Test
    void shouldRemoveEverythingOfAGoneGuestThatIsDetached() throws IOException {
        registry.run(toml("a", "backing = \"shared\"\nargs = [\"-display\", \"none\"]\n"), "a.toml");
        registry.guest("a").kill(LIMIT);
        registry.detach("a");
        assertThat(ramFiles()).isEmpty();
        assertThat(host.guestsDir().resolve("a")).doesNotExist();
    }

    @Test
    void shouldRunASharedGuestOverTheRamFileOfAnEarlierOne() {
        String shared = toml("a", "backing = \"shared\"\nargs = [\"-display\", \"none\"]\n");
        registry.run(shared, "a.toml");
        registry.detach("a");
        GuestLauncher.endProcess(host.guestsDir().resolve("a"));
        assertThat(registry.run(shared, "a.toml").status()).isEqualTo("RUNNING");
    }

    @Test
    void shouldStartAnIncomingGuestInFilesAndShowItSo() throws IOException {
        GuestDefinition definition = GuestDefinition.fromToml(
                "name = \"in\"\naccel = \"tcg\"\nsmp = 2\nargs = [\"-display\", \"none\"]\n"
                        + "[[node]]\nmemory = \"64MiB\"\ncpus = \"0\"\n[[node]]\nmemory = \"32MiB\"\ncpus = \"1\"\n",
                "in.toml");
        GuestLauncher.Incoming started = launcher.startIncoming(definition, "m1");
        assertThat(started.ramFiles()).hasSize(2).containsExactlyInAnyOrderElementsOf(ramFiles());
        started.guest().close();
        String socket = host.guestsDir().resolve("in/qmp.sock").toString();
        assertThat(registry.attach("in", socket, true).status()).isEqualTo("INCOMING");
        assertThat(registry.incoming("in")).isPresent();
        registry.incomingArrived("in");
        assertThat(registry.incoming("in")).isEmpty();
    }

    @Test
    void shouldSayWhatQemuSaidAndLeaveNothing() throws IOException {
        String bad = toml("a", "backing = \"shared\"\nargs = [\"-device\", \"no-such-device\"]\n");
        assertFails(() -> registry.run(bad, "a.toml"), ErrorCategory.FAILED_PRECONDITION, "no-such-device", "a");
        String missing = toml("a", "emulator = \"/nowhere/kvm\"\n");
        assertFails(() -> registry.run(missing, "a.toml"), ErrorCategory.FAILED_PRECONDITION, "/nowhere/kvm");
        assertThat(host.guestsDir().resolve("a")).doesNotExist();
        assertThat(ramFiles()).isEmpty();
    }

    /** A QEMU that was taken over can put a link to another guest's socket where its own is looked for. */
    @Test
    void shouldNotTakeAnotherGuestsQemuForTheOneThatItStarted() throws IOException {
        GuestView other = run("b");
        Path guests = host.guestsDir();
        Path never = directory.resolve("never");
        Path linking = Files.writeString(
                directory.resolve("linking"),
                "#!/bin/sh\nln -s " + guests.resolve("b/monitor.sock") + " " + guests.resolve("a/qmp.sock")
                        + "\nmkfifo " + never + "\nread x <" + never + "\n");
        Files.setPosixFilePermissions(linking, PosixFilePermissions.fromString("rwx------"));
        assertFails(
                () -> registry.run(toml("a", "emulator = \"" + linking + "\"\n"), "a.toml"),
                ErrorCategory.FAILED_PRECONDITION,
                "answers pid " + other.pid());
        assertThat(registry.list()).extracting(GuestView::name).containsExactly("b");
        assertThat(registry.guest("b").status()).isEqualTo("running");
        assertThat(guests.resolve("a")).doesNotExist();
    }

    @Test
    void shouldRefusePathsThatAreTooLongForSockets() {
        Path deep = directory.resolve("x".repeat(60));
        HostProfile far = new HostProfile(deep, host.ramDir(), "", "", Map.of(), Map.of());
        GuestDefinition definition = GuestDefinition.fromToml(toml("a".repeat(60)), "a.toml");
        assertFails(
                () -> new GuestLauncher(far, new OwnSession()).run(definition), ErrorCategory.INVALID_ARGUMENT, "107");
        assertThat(deep).doesNotExist();
    }

    @Test
    void shouldNotBeHeldUpByAGuestThatDoesNotAnswer() {
        run("a");
        run("b");
        QemuGuest slow = registry.guest("a");
        slow.process().signal(SIGSTOP);
        try {
            long start = System.nanoTime();
            List<GuestView> views = registry.list();
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
            // Slow is not gone.
            assertThat(views).extracting(GuestView::status).containsExactly("RUNNING", "RUNNING");
        } finally {
            slow.process().signal(SIGCONT);
        }
        await().atMost(LIMIT).until(() -> registry.show("a").status().equals("RUNNING"));
    }
}
