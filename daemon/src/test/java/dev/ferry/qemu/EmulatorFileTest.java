package dev.ferry.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which binaries a peer can have run here. */
class EmulatorFileTest {
    private static final int NOBODY = 65534;

    @TempDir
    private Path home;

    private Path marker;
    private Path emulator;

    @BeforeEach
    void makeEmulator() throws IOException {
        marker = home.resolve("marker");
        Path directory = Files.createDirectory(
                home.resolve("bin"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        emulator = Files.writeString(directory.resolve("qemu"), "#!/bin/sh\necho >" + marker + "\n");
        mode(emulator, "rwxr-xr-x");
    }

    private static void mode(Path path, String permissions) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
    }

    private HostProfile host(String configured) {
        return new HostProfile(home.resolve("guests"), home, configured, "", Map.of(), Map.of());
    }

    private static GuestDefinition definition(Object emulator) {
        return GuestDefinition.fromToml(
                "name = \"a\"\naccel = \"tcg\"\nmemory = \"64MiB\"\nemulator = \"" + emulator + "\"\n", "a.toml");
    }

    private List<Reason> check(String configured, Object named) {
        return Preflight.destination(host(configured), definition(named), List.of(), "7.2.0", "pc-q35-7.2").stream()
                .filter(reason -> reason.code().startsWith("EMULATOR"))
                .toList();
    }

    private void assertDistrusted(Object named, String... why) {
        assertThat(check("", named)).singleElement().satisfies(reason -> {
            assertThat(reason.code()).isEqualTo("EMULATOR_NOT_TRUSTED");
            assertThat(reason.message()).contains(why).contains("guests.emulator");
        });
        assertThat(marker).doesNotExist();
    }

    @Test
    @Tag("kernel")
    void shouldNotRunWhatBelongsToSomebodyElse() throws IOException {
        Files.setAttribute(emulator, "unix:uid", NOBODY);
        assertDistrusted(emulator, emulator + " belongs to the user with the id 65534");
        Path link = Files.createSymbolicLink(home.resolve("link"), emulator);
        assertDistrusted(link, emulator + " belongs to the user with the id 65534");
    }

    @Test
    @Tag("kernel")
    void shouldNotRunWhatIsInADirectoryOfSomebodyElse() throws IOException {
        Files.setAttribute(emulator.getParent(), "unix:uid", NOBODY);
        assertDistrusted(emulator, emulator.getParent() + " belongs to the user with the id 65534");
    }

    @Test
    void shouldNotRunWhatOthersMayWrite() throws IOException {
        mode(emulator, "rwxr-xrwx");
        assertDistrusted(emulator, emulator + " may be written", "757");
    }

    @Test
    void shouldNotRunWhatIsInADirectoryThatOthersMayWrite() throws IOException {
        mode(emulator.getParent(), "rwxrwxr-x");
        assertDistrusted(emulator, emulator.getParent() + " may be written", "775");
    }

    /** Nobody else can take a file away there, but anybody may have made it. */
    @Test
    void shouldNotRunWhatIsInASharedDirectory() throws IOException {
        Files.setAttribute(emulator.getParent(), "unix:mode", 01777);
        assertDistrusted(emulator, emulator.getParent() + " may be written", "1777");
    }

    @Test
    void shouldRunWhateverTheConfigurationNames() throws IOException {
        mode(emulator.getParent(), "rwxrwxr-x");
        assertThat(check(emulator.toString(), "/usr/bin/env"))
                .singleElement()
                .satisfies(reason -> assertThat(reason.code()).isEqualTo("EMULATOR_MISSING"));
        assertThat(marker).exists();
    }

    @Test
    void shouldRunByItsRealPathWhatRootInstalled() throws IOException {
        Path link = Files.createSymbolicLink(home.resolve("link"), Path.of("/usr/bin/env"));
        assertThat(EmulatorFile.of(host(""), definition(link)))
                .isEqualTo(EmulatorFile.of(host(""), definition("env")))
                .isEqualTo(Path.of("/usr/bin/env").toRealPath());
    }

    @Test
    void shouldSayWhatToDoWhenThereIsNone() {
        assertThatThrownBy(() -> EmulatorFile.of(host(""), definition("/nowhere/kvm")))
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.NOT_FOUND))
                .hasMessageContainingAll("/nowhere/kvm", "install it");
    }

    /** Also a peer that does not ask first. */
    @Test
    void shouldNotStartItForAGuestThatComes() throws IOException {
        mode(emulator.getParent(), "rwxrwxr-x");
        Path ran = home.resolve("guests/a");
        GuestLauncher launcher = new GuestLauncher(host(""), new OwnSession());
        assertThatThrownBy(() -> launcher.startIncoming(definition(emulator), "m1"))
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.PERMISSION_DENIED));
        assertThat(marker).doesNotExist();
        assertThat(ran).doesNotExist();
    }
}
