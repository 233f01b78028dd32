package dev.ferry.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Processes and directories of tests. */
final class Guests {
    private Guests() {}

    /** Ends the QEMU that wrote this pid file, if it lives and is the one. */
    static void end(Path pidFile) throws IOException, InterruptedException {
        if (!Files.exists(pidFile)) {
            return;
        }
        long pid = Long.parseLong(Files.readString(pidFile).strip());
        Optional<ProcessHandle> process = ProcessHandle.of(pid);
        Path commandLine = Path.of("/proc/" + pid + "/cmdline");
        if (process.isPresent()
                && Files.exists(commandLine)
                && Files.readString(commandLine).contains(pidFile.toString())) {
            ProcessHandle qemu = process.get();
            qemu.destroyForcibly();
            try {
                qemu.onExit().get(10, TimeUnit.SECONDS);
            } catch (Exception e) {
                throw new IOException("QEMU " + pid + " does not end", e);
            }
        }
    }

    /** Gone, or a zombie that init has not reaped yet. */
    static boolean hasEnded(long pid) {
        return state(pid).isEmpty() || state(pid).startsWith("Z");
    }

    /** The line State of /proc/PID/status, without its name; empty when the process is gone. */
    static String state(long pid) {
        try {
            return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                    .filter(l -> l.startsWith("State:"))
                    .map(l -> l.substring("State:".length()).strip())
                    .findFirst()
                    .orElse("");
        } catch (IOException e) {
            return "";
        }
    }

    static void removeTree(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        try (var all = Files.walk(root)) {
            for (Path p : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(p);
            }
        }
    }
}
