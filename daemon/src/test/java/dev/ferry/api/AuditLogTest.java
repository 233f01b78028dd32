package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AuditLogTest {
    private static final Caller SOMEBODY = new Caller.Client(List.of("scheduler.example"), "10.0.0.9:1");

    @TempDir
    private Path directory;

    private static void call(AuditLog log, int times) {
        for (int i = 0; i < times; i++) {
            log.call(SOMEBODY, "ferry.v1.MigrationService/Start", "guest: \"db" + i + "\"", Status.OK);
        }
    }

    @Test
    void shouldHaveWrittenBeforeItReturns() throws Exception {
        Path file = directory.resolve("audit.log");
        try (AuditLog log = new AuditLog(file)) {
            call(log, 3);
            assertThat(Files.readAllLines(file)).hasSize(3).last().asString().contains("db2", "scheduler.example");
        }
        assertThat(Files.readAllLines(file)).hasSize(3);
    }

    /** A pipe that nobody reads hangs as a disk may. */
    @Test
    void shouldHoldNobodyUpWhenItsDiskHangs() throws Exception {
        Path file = directory.resolve("audit.log");
        assertThat(new ProcessBuilder("mkfifo", file.toString()).start().waitFor())
                .isZero();
        AuditLog log = new AuditLog(file);
        call(log, 1500);
        // It comes back: what had waited is written, and the next line is waited for again.
        Process reader = new ProcessBuilder("bash", "-c", "exec 3<>\"$0\"; head -n 900 <&3", file.toString()).start();
        assertThat(reader.inputReader().lines().filter(l -> l.contains("scheduler.example")))
                .hasSize(900);
        assertThat(reader.waitFor()).isZero();
    }
}
