package dev.ferry.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Programs that the benchmark starts, and what they leave. */
final class Programs {
    private Programs() {}

    /** Runs it to its end; returns what it printed. */
    static String run(List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int status = process.waitFor();
            if (status != 0) {
                throw new BenchException(String.join(" ", command) + ": status " + status + "\n" + output);
            }
            return output;
        } catch (IOException e) {
            throw new BenchException(String.join(" ", command), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException(String.join(" ", command) + ": interrupted", e);
        }
    }

    /** Politely, then not. */
    static void end(Process process) throws InterruptedException {
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
    }

    /** Ends a QEMU that is not our child, if it lives and names this pid file on its command line. */
    static void endByPidFile(Path pidFile) throws IOException, InterruptedException {
        if (!Files.exists(pidFile)) {
            return;
        }
        long pid = Long.parseLong(Files.readString(pidFile).strip());
        ProcessHandle qemu = ProcessHandle.of(pid).orElse(null);
        if (qemu != null && commandLine(pid).contains(pidFile.toString())) {
            qemu.destroyForcibly();
            for (int i = 0; i < 2000 && !commandLine(pid).isEmpty(); i++) {
                Thread.sleep(5);
            }
        }
    }

    /** Empty when it has ended, also while nobody has reaped it. */
    private static String commandLine(long pid) {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/cmdline"));
        } catch (IOException ended) {
            return "";
        }
    }

    static void removeTree(Path root) throws IOException {
        if (Files.exists(root)) {
            try (Stream<Path> all = Files.walk(root)) {
                for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(p);
                }
            }
        }
    }
}
