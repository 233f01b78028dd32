package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Runs system calls inside another process, of any uid and unmodified, by ptrace (PTRACE_SEIZE, PTRACE_INTERRUPT): one
 * thread of it is stopped for as long as this object is open, registers are put back on close. All ptrace calls are made
 * on one dedicated platform thread, whichever thread calls. x86-64; the architecture is a table.
 *
 * <p>The process must not be a child of this JVM: the thread that waits for its end would be told of its stops instead of us.
 */
public final class RemoteSyscall implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(5);

    private final ExecutorService tracer;
    private final Tracee tracee;
    private final AtomicBoolean closed = new AtomicBoolean();

    private RemoteSyscall(ExecutorService tracer, Tracee tracee) {
        this.tracer = tracer;
        this.tracee = tracee;
    }

    /** Stops the main thread (tid = pid) of the process; in QEMU that is no vCPU. DEADLINE_EXCEEDED if the kernel holds it. */
    public static RemoteSyscall attach(int pid) {
        return attachThread(pid, pid);
    }

    /** Stops this thread of the process. */
    public static RemoteSyscall attachThread(int pid, int tid) {
        return attach(pid, tid, LIMIT);
    }

    static RemoteSyscall attach(int pid, int tid, Duration limit) {
        ExecutorService tracer = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "ferry-ptrace-" + tid);
            thread.setDaemon(true);
            return thread;
        });
        try {
            return new RemoteSyscall(tracer, run(tracer, () -> Tracee.stop(pid, tid, limit)));
        } catch (RuntimeException e) {
            tracer.shutdown();
            throw e;
        }
    }

    /** Runs one call there; returns its result, negative: −errno. */
    public long call(long number, long a, long b, long c, long d, long e, long f) {
        if (closed.get()) {
            throw new IllegalStateException("already let go");
        }
        return run(tracer, () -> tracee.call(number, a, b, c, d, e, f));
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            run(tracer, () -> {
                tracee.release();
                return true;
            });
        } finally {
            // With the end of its tracer the kernel lets a thread go that could not be let go above.
            tracer.shutdown();
        }
    }

    /** Not to be interrupted: a thread half way through an injected call must come to its end. */
    private static <T> T run(ExecutorService tracer, Callable<T> task) {
        Future<T> future = tracer.submit(task);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return future.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof FerryException failure) {
                        throw failure;
                    }
                    throw new FerryException(ErrorCategory.INTERNAL, "system call in another process", e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
