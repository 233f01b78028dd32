package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.CancelRequest;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** A process of its own, and Ctrl-C. */
class InterruptTest extends CommandTest {
    @Test
    void shouldLeaveTheMigrationAloneOnCtrlC() throws Exception {
        ferryd.watch = observer -> observer.onNext(Samples.precopy());
        // A script's background job ignores SIGINT, and so does what it starts, this JVM and its children too.
        Process ferry = new ProcessBuilder(List.of(
                        "env",
                        "--default-signal=INT",
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "--endpoint",
                        ferryd.endpoint(),
                        "watch",
                        Samples.ID))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader err = ferry.errorReader(StandardCharsets.UTF_8)) {
            assertThat(err.readLine()).contains("PRECOPY");
            new ProcessBuilder("kill", "-INT", String.valueOf(ferry.pid()))
                    .start()
                    .waitFor();
            assertThat(err.lines().collect(Collectors.joining("\n")))
                    .isEqualTo("ferry: migration " + Samples.ID + " goes on. See it with: ferry --endpoint "
                            + ferryd.endpoint() + " watch " + Samples.ID + ", undo it with: ferry --endpoint "
                            + ferryd.endpoint() + " cancel " + Samples.ID);
            assertThat(ferry.waitFor()).isEqualTo(130);
        } finally {
            ferry.destroyForcibly();
        }
        assertThat(ferryd.requests).noneMatch(CancelRequest.class::isInstance);
    }
}
