package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Compiles and runs a small C program: what the kernel's headers say, and processes that may be stopped in a fault. */
final class CProgram {
    private CProgram() {}

    static Path compile(Path directory, String name, String source) throws IOException, InterruptedException {
        Path file = Files.writeString(directory.resolve(name + ".c"), source);
        Path binary = directory.resolve(name);
        run("gcc", "-O1", "-Wall", "-Werror", "-pthread", "-o", binary.toString(), file.toString());
        return binary;
    }

    /** What it printed; a failure if it ended with anything but 0. */
    static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor())
                .as("%s: %s", String.join(" ", command), output)
                .isZero();
        return output;
    }
}
