package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hundreds of injections into a process that waits, computes or gets signals: it notices nothing. */
@Tag("kernel")
final class InjectionUnderwayTest {
    private static final int ROUNDS = 200;
    private static final int SIGSTOP = 19;
    private static final int SIGCONT = 18;

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"futex", "futex-timed", "poll", "ppoll", "read", "nanosleep", "spin"})
    void shouldNotDisturb(String mode) throws Exception {
        try (Victim victim = Victim.start(directory, mode)) {
            inject(victim, mode);
            victim.end();
            assertThat(victim.errors()).isZero();
            assertThat(victim.interrupted()).as("EINTR").isZero();
            assertThat(victim.rounds()).isPositive();
        }
    }

    /** epoll_wait(2) answers EINTR to every stop, ptrace's too (signal(7)): the kernel's way, and every caller knows it. */
    @Test
    void shouldOnlyInterruptEpoll() throws Exception {
        try (Victim victim = Victim.start(directory, "epoll")) {
            inject(victim, "epoll");
            victim.end();
            assertThat(victim.errors()).isZero();
        }
    }

    /** Thousands of queued real-time signals with values: every one arrives, once, in order, as it was sent. */
    @Test
    void shouldSwallowNoSignal() throws Exception {
        try (Victim victim = Victim.start(directory, "queue")) {
            inject(victim, "queue");
            victim.end();
            assertThat(victim.errors()).isZero();
            assertThat(victim.signalsSent()).isGreaterThan(ROUNDS);
            assertThat(victim.signalsHandled()).isEqualTo(victim.signalsSent());
        }
    }

    /** A signal that only ppoll's own mask lets through ends that ppoll, and no other: our mask must not leak into it. */
    @Test
    void shouldKeepSignalMaskOfPpoll() throws Exception {
        try (Victim victim = Victim.start(directory, "ppoll-signals")) {
            inject(victim, "ppoll-signals");
            victim.end();
            assertThat(victim.errors()).isZero();
            assertThat(victim.signalsHandled()).isPositive();
            assertThat(victim.interrupted()).isEqualTo(victim.signalsHandled());
        }
    }

    @Test
    void shouldLeaveStoppedProcessStopped() throws Exception {
        try (Victim victim = Victim.start(directory, "spin")) {
            victim.process.signal(SIGSTOP);
            inject(victim, "stopped");
            assertThat(victim.state()).isEqualTo('T');
            victim.process.signal(SIGCONT);
            victim.end();
            assertThat(victim.errors()).isZero();
        }
    }

    @Test
    void shouldPassOnStopThatComesMeanwhile() throws Exception {
        try (Victim victim = Victim.start(directory, "poll")) {
            try (RemoteSyscall remote = RemoteSyscall.attach(victim.pid)) {
                victim.process.signal(SIGSTOP);
                assertThat(remote.call(Syscalls.GETPID, 0, 0, 0, 0, 0, 0)).isEqualTo(victim.pid);
                assertThat(remote.call(Syscalls.GETPID, 0, 0, 0, 0, 0, 0)).isEqualTo(victim.pid);
            }
            await().until(() -> victim.state() == 'T');
            victim.process.signal(SIGCONT);
            victim.end();
            assertThat(victim.errors()).isZero();
            assertThat(victim.interrupted()).isZero();
        }
    }

    /** An injected call that would wait for ever is given up, and the thread goes on with what it did. */
    @Test
    void shouldGiveUpCallThatBlocks() throws Exception {
        try (Victim victim = Victim.start(directory, "ppoll")) {
            try (RemoteSyscall remote = RemoteSyscall.attach(victim.pid, victim.pid, Duration.ofMillis(200))) {
                long eventFd = remote.call(Syscalls.EVENTFD2, 0, 0, 0, 0, 0, 0);
                assertThatThrownBy(() -> remote.call(Syscalls.READ, eventFd, sharedPage(victim), 8, 0, 0, 0))
                        .isInstanceOfSatisfying(
                                FerryException.class,
                                e -> assertThat(e.category()).isEqualTo(ErrorCategory.DEADLINE_EXCEEDED));
            }
            assertThat(RemoteSyscallTest.tracerOf(victim.pid)).isZero();
            victim.end();
            assertThat(victim.errors()).isZero();
            assertThat(victim.interrupted()).isZero();
        }
    }

    /** Stopped in a page fault inside a system call, where the kernel stops nobody: we give up, and leave no trace. */
    @Test
    void shouldGiveUpThreadThatKernelHolds() throws Exception {
        try (Victim victim = Victim.start(directory, "held", 0)) {
            await().until(() ->
                    ProcFiles.text(ProcFiles.path(victim.pid, "syscall")).startsWith("1 "));
            assertThatThrownBy(() -> RemoteSyscall.attach(victim.pid, victim.pid, Duration.ofMillis(200)))
                    .isInstanceOfSatisfying(
                            FerryException.class,
                            e -> assertThat(e.category()).isEqualTo(ErrorCategory.DEADLINE_EXCEEDED));
            await().until(() -> RemoteSyscallTest.tracerOf(victim.pid) == 0);
            victim.end();
            assertThat(victim.errors()).isZero();
            assertThat(victim.rounds()).isPositive();
        }
    }

    /** Whoever loses its tracer half way would go on with foreign registers. */
    @Test
    void shouldFinishBeforeTheTracerEnds() throws Exception {
        try (Victim victim = Victim.start(directory, "spin")) {
            Process tracer = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Djnr.ffi.x86asm.enabled=false",
                            "-cp",
                            System.getProperty("java.class.path"),
                            EndingInjector.class.getName(),
                            Integer.toString(victim.pid))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            try {
                assertThat(tracer.inputReader().readLine()).isEqualTo("stopped");
                tracer.destroy();
                assertThat(tracer.waitFor()).isZero();
            } finally {
                tracer.destroyForcibly();
            }
            victim.end();
            assertThat(victim.errors()).isZero();
            assertThat(victim.rounds()).isPositive();
        }
    }

    private static long sharedPage(Victim victim) {
        return ProcMaps.read(victim.pid).stream()
                .filter(ProcMaps.Mapping::isShared)
                .findFirst()
                .orElseThrow()
                .start();
    }

    private static void inject(Victim victim, String what) {
        long[] nanos = new long[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            long start = System.nanoTime();
            try (RemoteSyscall remote = RemoteSyscall.attach(victim.pid)) {
                assertThat(remote.call(Syscalls.GETPID, 0, 0, 0, 0, 0, 0)).isEqualTo(victim.pid);
            }
            nanos[i] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        System.out.printf(
                "injection, %s: median %d us, p99 %d us, max %d us%n",
                what, nanos[ROUNDS / 2] / 1000, nanos[ROUNDS * 99 / 100] / 1000, nanos[ROUNDS - 1] / 1000);
    }
}
