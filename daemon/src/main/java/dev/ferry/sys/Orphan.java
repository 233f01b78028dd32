package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Starts a program that is not a child of this JVM: the JVM waits for its children by waitpid, which is also told of ptrace
 * stops and would take them away from the tracer.
 */
final class Orphan {
    private Orphan() {}

    /** Its pid. Whoever calls ends it. */
    static int start(String... command) {
        List<String> shell = new ArrayList<>(List.of("sh", "-c", "\"$@\" </dev/null >/dev/null 2>&1 & echo $!", "sh"));
        shell.addAll(List.of(command));
        try {
            Process process = new ProcessBuilder(shell).start();
            String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return Integer.parseInt(answer.strip());
        } catch (IOException | NumberFormatException e) {
            throw new FerryException(ErrorCategory.INTERNAL, "start " + String.join(" ", command), e);
        }
    }
}
