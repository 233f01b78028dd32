package dev.ferry.daemon;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The answer to SIGTERM and SIGINT, from before anything is opened: a start that is under way is given up at its next step,
 * what has started is closed. Java would exit with 128 + signal; ending when asked to is no failure.
 */
final class StopSignal {
    private static final Logger LOG = LoggerFactory.getLogger(StopSignal.class);

    /** A daemon that ends within five seconds is not killed by who waits that long. */
    private static final long LIMIT_MS = 4_700;

    private final Thread hook = new Thread(this::stop, "stop");
    private final CountDownLatch startOver = new CountDownLatch(1);
    private final IntConsumer halt;
    private volatile boolean asked;
    private volatile Runnable close = () -> {};

    /** @param halt ends the process with an exit code */
    StopSignal(IntConsumer halt) {
        this.halt = halt;
    }

    /** @throws CancellationException the process is ending already */
    void listen() {
        try {
            Runtime.getRuntime().addShutdownHook(hook);
        } catch (IllegalStateException e) {
            asked = true;
            throwIfAsked();
        }
    }

    boolean isAsked() {
        return asked;
    }

    /** Between the steps of a start. */
    void throwIfAsked() {
        if (asked) {
            throw new CancellationException("asked to stop");
        }
    }

    /** @param close what is open from now on */
    void started(Runnable close) {
        this.close = close;
        startOver.countDown();
    }

    /** Nothing is open: from now on the process ends as Java does it, with the exit code of who ends it. */
    void notStarted() {
        startOver.countDown();
        if (!asked) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                LOG.debug("asked to stop at this moment", e);
            }
        }
    }

    /** What the hook does. */
    void stop() {
        asked = true;
        Thread closer = new Thread(
                () -> {
                    try {
                        startOver.await();
                        close.run();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "close");
        closer.setDaemon(true);
        closer.start();
        try {
            closer.join(LIMIT_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (closer.isAlive()) {
            LOG.warn("not everything could be closed in {} ms; guests are not affected", LIMIT_MS);
        }
        halt.accept(0);
    }
}
