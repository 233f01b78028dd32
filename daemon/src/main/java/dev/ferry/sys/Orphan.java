package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Starts a program that is not a child of this JVM: the JVM waits for its children by waitpid, which is also told of ptrace
 * stops and would take them away from the tracer.
 */
final class Orphan {
    private static final long EXEC_LIMIT_NS = 5_000_000_000L;

    private Orphan() {}

    /** Its pid. Whoever calls ends it. */
    static int start(String... command) {
        List<String> shell = new ArrayList<>(List.of("sh", "-c", "\"$@\" </dev/null >/dev/null 2>&1 & echo $!", "sh"));
        shell.addAll(List.of(command));
        try {
            Process process = new ProcessBuilder(shell).start();
            String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int pid = Integer.parseInt(answer.strip());
            try {
                awaitExec(pid, command[0]);
            } catch (FerryException e) {
                ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
                throw e;
            }
            return pid;
        } catch (IOException | NumberFormatException e) {
            throw new FerryException(ErrorCategory.INTERNAL, "start " + String.join(" ", command), e);
        }
    }

    /** Until then it is a shell whose address space is about to go: a system call injected there hits nothing. */
    private static void awaitExec(int pid, String program) {
        long end = System.nanoTime() + EXEC_LIMIT_NS;
        while (isShell(pid)) {
            if (System.nanoTime() > end) {
                throw new FerryException(ErrorCategory.DEADLINE_EXCEEDED, program + " did not start");
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static boolean isShell(int pid) {
        List<String> now = ProcFs.commandLine(pid);
        return !now.isEmpty() && now.get(0).equals("sh");
    }
}
