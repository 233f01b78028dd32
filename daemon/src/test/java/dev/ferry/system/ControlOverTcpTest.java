package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The real {@code ferry} and a real ferryd, over TCP with TLS. */
@Tag("kernel")
@Timeout(180)
class ControlOverTcpTest {
    private static final Path FERRY =
            Path.of(System.getProperty("user.dir")).getParent().resolve("bin/ferry");
    private static final Pattern ADDRESS = Pattern.compile("0\\.0\\.0\\.0:([0-9]+)");

    /** 64 + gRPC's code. */
    private static final int NOT_FOUND = 69;

    private static final int PERMISSION_DENIED = 71;
    private static final int UNAVAILABLE = 78;

    private Path root;
    private Ferryd ferryd;
    private String port;

    @BeforeEach
    void start() throws Exception {
        root = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-");
        ferryd = new Ferryd(root.resolve("a"), """
                [control]
                listen = ["unix:%s/a/run/control.sock", "0.0.0.0:0"]
                [control.clients]
                operators = ["scheduler.example"]
                viewers = ["grafana.example"]
                """.formatted(root));
        ferryd.awaitReady();
        Matcher address = ADDRESS.matcher(Files.readString(ferryd.home.resolve("out")));
        assertThat(address.find()).isTrue();
        port = address.group(1);
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

    private Said ferryAt(String host, String tls, String... words) throws Exception {
        List<String> command =
                new ArrayList<>(List.of(FERRY.toString(), "--endpoint", host + ":" + port, "--tls", tls));
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Said(process.exitValue(), text);
    }

    private Said ferryAs(String client, String... words) throws Exception {
        return ferryAt("127.0.0.1", HostCertificate.client(client).toString(), words);
    }

    private static void expect(Said said, int exit, String... words) {
        assertThat(said.exit).as(said.text).isEqualTo(exit);
        for (String word : words) {
            assertThat(said.text).contains(word);
        }
    }

    private List<JsonNode> audit() throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(ferryd.home.resolve("state/audit.log"))) {
            lines.add(new ObjectMapper().readTree(line));
        }
        return lines;
    }

    @Test
    void shouldLetEachDoWhatItsNameMay() throws Exception {
        expect(ferryAs("scheduler.example", "list"), 0);
        expect(ferryAs("scheduler.example", "guest", "detach", "db1"), NOT_FOUND);
        expect(ferryAs("grafana.example", "guest", "list"), 0);
        expect(
                ferryAs("grafana.example", "guest", "detach", "db1"),
                PERMISSION_DENIED,
                "client grafana.example at 127.0.0.1:",
                "control.clients.viewers",
                "nothing was done");
        expect(
                ferryAs("stranger.example", "list"),
                PERMISSION_DENIED,
                "client stranger.example at 127.0.0.1:",
                "control.clients.operators");
        expect(
                ferryAs("scheduler.example", "status"),
                0,
                "operators      scheduler.example\n",
                "viewers        grafana.example\n",
                "2 of control clients");
        assertThat(audit()).hasSize(2);
        assertThat(audit().get(0).get("certificate").asText()).isEqualTo("scheduler.example");
        assertThat(audit().get(0).get("status").asText()).isEqualTo("NOT_FOUND");
        assertThat(audit().get(1).get("certificate").asText()).isEqualTo("grafana.example");
    }

    @Test
    void shouldSayWhatToDoWhenOneDoesNotTakeTheOther() throws Exception {
        Path theirs = root.resolve("theirs");
        HostCertificate.init(theirs, "--client", "scheduler.example");
        expect(
                ferryAt("127.0.0.1", theirs.resolve("scheduler.example").toString(), "list"),
                UNAVAILABLE,
                "is not trusted",
                "is not of the CA in " + theirs);

        Path mixed = Files.createDirectory(root.resolve("mixed"));
        for (String file : List.of("client.crt", "client.key")) {
            Files.copy(theirs.resolve("scheduler.example").resolve(file), mixed.resolve(file));
        }
        Files.copy(HostCertificate.client("grafana.example").resolve("ca.crt"), mixed.resolve("ca.crt"));
        expect(ferryAt("127.0.0.1", mixed.toString(), "list"), UNAVAILABLE, "refuses the client.crt");

        String grafana = HostCertificate.client("grafana.example").toString();
        expect(
                ferryAt("127.0.0.9", grafana, "list"),
                UNAVAILABLE,
                "its certificate is for test-host",
                "not for 127.0.0.9");
        expect(ferryAt("127.0.0.1", "off", "list"), UNAVAILABLE, "wants TLS");
        expect(ferryAs("grafana.example", "list"), 0);
    }
}
