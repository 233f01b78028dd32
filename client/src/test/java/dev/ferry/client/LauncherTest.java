package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/ferry}, with a Maven and a Java that only say what they were asked. */
@Timeout(30)
class LauncherTest {
    @TempDir
    Path dir;

    private Path root;
    private Path link;

    @BeforeEach
    void copyLauncher() throws Exception {
        root = Files.createDirectories(dir.resolve("a clone")).toRealPath();
        Path launcher = Files.createDirectories(root.resolve("bin")).resolve("ferry");
        Files.copy(Path.of("../bin/ferry"), launcher);
        Files.copy(
                Path.of("../bin/lib/launch.sh"),
                Files.createDirectory(root.resolve("bin/lib")).resolve("launch.sh"));
        Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
        link = Files.createSymbolicLink(
                Files.createDirectories(dir.resolve("path")).resolve("ferry"), launcher);
        script("java", "printf '%s|' java \"$@\"");
        script("mvn", "echo mvn; sleep 0.1; mkdir -p client/target; echo x >>client/target/ferry-client.jar");
    }

    private void script(String name, String body) throws Exception {
        Path file = Files.writeString(dir.resolve("path").resolve(name), "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Process start() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(link.toString(), "show", "an id");
        builder.environment().merge("PATH", dir.resolve("path").toString(), (old, fake) -> fake + ":" + old);
        return builder.start();
    }

    @Test
    void shouldBuildOnceWhatIsMissingAndKeepStdoutClean() throws Exception {
        Process first = start();
        Process second = start();
        for (Process process : new Process[] {first, second}) {
            assertThat(text(process.getInputStream()))
                    .startsWith("java|")
                    .endsWith("|-jar|" + root.resolve("client/target/ferry-client.jar") + "|show|an id|");
            assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isZero();
        }
        assertThat(text(first.getErrorStream()) + text(second.getErrorStream())).containsOnlyOnce("mvn\n");
        assertThat(root.resolve("client/target/ferry-client.jar")).hasContent("x\n");
    }

    @Test
    void shouldNotBuildWhatIsThere() throws Exception {
        Files.createDirectories(root.resolve("client/target"));
        Files.createFile(root.resolve("client/target/ferry-client.jar"));
        Process process = start();
        assertThat(text(process.getErrorStream())).isEmpty();
        assertThat(process.waitFor()).isZero();
    }

    private static String text(java.io.InputStream stream) throws Exception {
        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
}
