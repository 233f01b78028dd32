package dev.ferry.daemon;

import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a service manager that the daemon lives, but only when all of its parts have answered: threads that hang are not seen by a
 * timer. A daemon that is ended for it loses nothing: the next one goes on where this one was. One thread for the rounds, one for each
 * question that hangs.
 */
final class Watchdog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Watchdog.class);

    private final Map<String, Part> parts;
    private final Runnable alive;
    private final long limitNs;
    private final Map<String, Future<?>> hanging = new LinkedHashMap<>();
    private final ExecutorService askers =
            Executors.newCachedThreadPool(new DefaultThreadFactory("watchdog-ask", true));
    private final ScheduledExecutorService rounds =
            Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("watchdog", true));

    /** Something that answers by returning; what it throws is an answer that something is wrong. */
    interface Part {
        void ask() throws Exception;
    }

    /**
     * Begins at once.
     *
     * @param parts by a name for the log
     * @param alive told after each round in which every part has answered
     * @param intervalNs within which the service manager wants to hear: a third of it is a round
     */
    Watchdog(Map<String, Part> parts, Runnable alive, long intervalNs) {
        this.parts = Map.copyOf(parts);
        this.alive = alive;
        this.limitNs = intervalNs / 3;
        rounds.scheduleWithFixedDelay(this::round, 0, limitNs, TimeUnit.NANOSECONDS);
    }

    private void round() {
        try {
            // One that hangs is not asked again: it would take a thread each time.
            parts.forEach((name, part) -> hanging.computeIfAbsent(
                    name,
                    n -> askers.submit(() -> {
                        part.ask();
                        return null;
                    })));
            long endNs = System.nanoTime() + limitNs;
            boolean all = true;
            for (String name : parts.keySet()) {
                all &= answers(name, endNs - System.nanoTime());
            }
            if (all) {
                alive.run();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("the watchdog's round failed: a bug", e);
        }
    }

    private boolean answers(String name, long limitNs) throws InterruptedException {
        try {
            hanging.get(name).get(Math.max(1, limitNs), TimeUnit.NANOSECONDS);
            hanging.remove(name);
            return true;
        } catch (TimeoutException e) {
            LOG.error("{}: no answer; the service manager is not told that this ferryd lives", name);
        } catch (ExecutionException e) {
            LOG.error("{}: the service manager is not told that this ferryd lives", name, e.getCause());
            hanging.remove(name);
        }
        return false;
    }

    @Override
    public void close() {
        rounds.shutdownNow();
        askers.shutdownNow();
    }
}
