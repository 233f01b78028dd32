package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who may use the control socket of a real ferryd: real processes of other users. */
@Tag("kernel")
@Timeout(120)
class ControlAccessTest {
    private static final Path CLIENT = Path.of(System.getProperty("user.dir")).resolveSibling("client/target");
    private static final int NOBODY = 65534;

    /** 64 + gRPC's code. */
    private static final int PERMISSION_DENIED = 71;

    private static final int UNAVAILABLE = 78;

    private Path root;
    private Ferryd ferryd;

    @BeforeEach
    void start() throws Exception {
        root = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-");
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
        // Where everybody can read it.
        Files.createDirectory(root.resolve("lib"));
        Files.copy(CLIENT.resolve("ferry-client.jar"), root.resolve("ferry-client.jar"));
        try (Stream<Path> jars = Files.list(CLIENT.resolve("lib"))) {
            for (Path jar : jars.toList()) {
                Files.copy(jar, root.resolve("lib").resolve(jar.getFileName()));
            }
        }
        ferryd = new Ferryd(root.resolve("a"), "[control]\nviewers = [\"nobody\"]\n");
        ferryd.awaitReady();
    }

    @AfterEach
    void stop() throws Exception {
        try {
            ferryd.close();
        } finally {
            new ProcessBuilder("rm", "-rf", root.toString()).start().waitFor();
        }
    }

    private record Said(int exit, String text) {}

    private Said ferryAs(int uid, String... words) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                "setpriv",
                "--reuid=" + uid,
                "--regid=" + uid,
                "--clear-groups",
                "java",
                "-XX:-UsePerfData",
                "-jar",
                root.resolve("ferry-client.jar").toString(),
                "--endpoint",
                "unix:" + socket()));
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Said(process.exitValue(), text);
    }

    private Path socket() {
        return ferryd.home.resolve("run/control.sock");
    }

    private void letEverybodyConnect() throws IOException {
        Files.setPosixFilePermissions(socket(), PosixFilePermissions.fromString("rw-rw-rw-"));
    }

    private List<JsonNode> audit() throws IOException {
        Path file = ferryd.home.resolve("state/audit.log");
        List<JsonNode> lines = new ArrayList<>();
        if (Files.exists(file)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-r-----");
            for (String line : Files.readAllLines(file)) {
                lines.add(new ObjectMapper().readTree(line));
            }
        }
        return lines;
    }

    @Test
    void shouldBeClosedToOthers() throws Exception {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())))
                .isEqualTo("rw-rw----");
        Said said = ferryAs(NOBODY, "list");
        assertThat(said.exit).as(said.text).isEqualTo(UNAVAILABLE);
    }

    @Test
    void shouldLetAViewerLookAndNothingElse() throws Exception {
        letEverybodyConnect();
        Said looked = ferryAs(NOBODY, "list");
        assertThat(looked.exit).as(looked.text).isZero();
        assertThat(ferryAs(NOBODY, "guest", "list").exit).isZero();
        assertThat(ferryAs(NOBODY, "status").exit).isZero();
        assertThat(audit()).isEmpty();

        Said refused = ferryAs(NOBODY, "guest", "detach", "db1");
        assertThat(refused.exit).as(refused.text).isEqualTo(PERMISSION_DENIED);
        assertThat(refused.text)
                .contains("uid 65534")
                .contains("control.viewers")
                .contains("nothing was done");
        assertThat(audit()).hasSize(1);
        JsonNode line = audit().get(0);
        assertThat(line.get("uid").asInt()).isEqualTo(NOBODY);
        assertThat(line.get("user").asText()).isEqualTo("nobody");
        assertThat(line.get("method").asText()).isEqualTo("ferry.v1.GuestService/Detach");
        assertThat(line.get("status").asText()).isEqualTo("PERMISSION_DENIED");
    }

    @Test
    void shouldWriteDownWhoDidWhatAndWithWhichResult() throws Exception {
        String name = "db1\",\"uid\":\"7";
        assertThat(ferryAs(0, "guest", "detach", name).exit).isNotZero();
        assertThat(ferryAs(0, "guest", "detach", "db1").exit).isNotZero();
        List<JsonNode> lines = audit();
        assertThat(lines).hasSize(2).allSatisfy(line -> {
            assertThat(line.get("user").asText()).isEqualTo("root");
            assertThat(line.get("uid").asInt()).isZero();
            assertThat(line.get("pid").asInt()).isPositive();
            assertThat(line.get("what").asText()).isEqualTo("call");
        });
        assertThat(lines.get(1).get("request").asText()).isEqualTo("name: \"db1\"");
        assertThat(lines.get(1).get("status").asText()).isEqualTo("NOT_FOUND");
    }
}
