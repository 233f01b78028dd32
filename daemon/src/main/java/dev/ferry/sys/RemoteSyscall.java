package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.StampedLock;

/**
 * Runs system calls inside another process, of any uid and unmodified, by ptrace (PTRACE_SEIZE, PTRACE_INTERRUPT): one
 * thread of it is stopped for as long as this object is open, registers are put back on close. All ptrace calls are made
 * on one dedicated platform thread, whichever thread calls. x86-64; the architecture is a table.
 *
 * <p>The process must not be a child of this JVM: the thread that waits for its end would be told of its stops instead of us.
 */
public final class RemoteSyscall implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(5);

    /** Held for reading while a thread is stopped; for writing, and for ever, by a daemon that ends. */
    private static final StampedLock RUNNING = new StampedLock();

    private final ExecutorService tracer;
    private final Tracee tracee;
    private final long running;
    private final AtomicBoolean closed = new AtomicBoolean();

    private RemoteSyscall(long running, ExecutorService tracer, Tracee tracee) {
        this.running = running;
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

    /**
     * Before this process ends: waits until no thread of another process is stopped by us, for at most {@code limit}, and lets
     * none be stopped from then on. A thread that loses its tracer half way goes on with foreign registers.
     *
     * @return whether none is
     */
    public static boolean quiesce(Duration limit) {
        try {
            return RUNNING.tryWriteLock(limit.toMillis(), TimeUnit.MILLISECONDS) != 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    static RemoteSyscall attach(int pid, int tid, Duration limit) {
        long running = RUNNING.tryReadLock();
        if (running == 0) {
            throw new FerryException(ErrorCategory.UNAVAILABLE, "this ferryd is ending: nothing is begun any more");
        }
        try {
            return attach(pid, tid, limit, running);
        } catch (RuntimeException | Error e) {
            RUNNING.unlockRead(running);
            throw e;
        }
    }

    private static RemoteSyscall attach(int pid, int tid, Duration limit, long running) {
        ExecutorService tracer = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "ferry-ptrace-" + tid);
            thread.setDaemon(true);
            return thread;
        });
        try {
            return new RemoteSyscall(running, tracer, run(tracer, () -> Tracee.stop(pid, tid, limit)));
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
            RUNNING.unlockRead(running);
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
