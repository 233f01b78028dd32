package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.CancelRequest;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Side;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A process of its own, and Ctrl-C: once stops, twice leaves. */
class EvacuateInterruptTest extends CommandTest {
    private static final Migration STAYS = Migration.newBuilder()
            .setState(MigrationState.POSTCOPY)
            .setRunsOn(Side.DESTINATION)
            .build();

    private FakeCluster cluster;

    @BeforeEach
    void makeCluster() {
        cluster = new FakeCluster(ferryd);
        cluster.runs("g1", 10);
        cluster.runs("g2", 20);
        cluster.ends.put("g1 at b:1", STAYS);
    }

    private Process evacuate() throws Exception {
        // A script's background job ignores SIGINT, and so does what it starts, this JVM and its children too.
        return new ProcessBuilder(List.of(
                        "env",
                        "--default-signal=INT",
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "--endpoint",
                        ferryd.endpoint(),
                        "evacuate",
                        "--to",
                        "b:1",
                        "--parallel",
                        "1"))
                .start();
    }

    private static void interrupt(Process ferry) throws Exception {
        new ProcessBuilder("kill", "-INT", String.valueOf(ferry.pid())).start().waitFor();
    }

    private static void awaitLine(BufferedReader lines, String text) throws Exception {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.contains(text)) {
                return;
            }
        }
        throw new AssertionError("ended without: " + text);
    }

    @Test
    void shouldStartNoMoreAndWaitForWhatMoves() throws Exception {
        Process ferry = evacuate();
        try (BufferedReader err = ferry.errorReader(StandardCharsets.UTF_8)) {
            awaitLine(err, "g1  to b:1: POSTCOPY");
            interrupt(ferry);
            awaitLine(
                    err,
                    "no more guests are started; what moves goes on: ferry --endpoint " + ferryd.endpoint()
                            + " list. Ctrl-C once more leaves");
            awaitLine(err, "g2  left: stopped before it was its turn");
            cluster.ends.clear();
            assertThat(ferry.waitFor()).isEqualTo(1);
            String out = ferry.inputReader(StandardCharsets.UTF_8).lines().collect(Collectors.joining("\n"));
            assertThat(out).contains("moved 1 guest, left 1", "guest g2 is left: it is on this host.");
        } finally {
            ferry.destroyForcibly();
        }
        assertThat(cluster.started).containsExactly("g1 at b:1");
    }

    @Test
    void shouldLeaveOnTheSecondAndLetMovesGoOn() throws Exception {
        Process ferry = evacuate();
        try (BufferedReader err = ferry.errorReader(StandardCharsets.UTF_8)) {
            awaitLine(err, "g1  to b:1: POSTCOPY");
            interrupt(ferry);
            awaitLine(err, "no more guests are started");
            interrupt(ferry);
            awaitLine(err, "what moves goes on, nothing more is started. See it with: ferry --endpoint ");
            assertThat(ferry.waitFor()).isEqualTo(130);
        } finally {
            ferry.destroyForcibly();
        }
        assertThat(cluster.started).containsExactly("g1 at b:1");
        assertThat(ferryd.requests).noneMatch(CancelRequest.class::isInstance);
    }
}
