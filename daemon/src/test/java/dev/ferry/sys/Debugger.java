package dev.ferry.sys;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/** Traces the main thread of a process without stopping it, as a debugger does: nobody else can trace it meanwhile. */
public final class Debugger implements AutoCloseable {
    private final CountDownLatch over = new CountDownLatch(1);
    private final Thread tracer;

    public Debugger(int pid) {
        CompletableFuture<Void> seized = new CompletableFuture<>();
        tracer = new Thread(() -> {
            try {
                new Ptrace(pid).seize();
                seized.complete(null);
                over.await();
            } catch (RuntimeException | InterruptedException e) {
                seized.completeExceptionally(e);
            }
        });
        tracer.setDaemon(true);
        tracer.start();
        seized.join();
    }

    /** The kernel lets it go with the end of the tracer. */
    @Override
    public void close() throws InterruptedException {
        over.countDown();
        tracer.join();
    }
}
