package dev.ferry.net;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executor;

/** So many threads of a pool for each caller at most: more of its calls wait for one of its own and hold up nobody else. Thread-safe. */
public final class CallerThreads {
    private final Executor pool;
    private final Map<String, Lane> lanes = new HashMap<>();

    /** @param pool with as many threads as it takes */
    public CallerThreads(Executor pool) {
        this.pool = pool;
    }

    private static final class Lane {
        private int running;
        private final Deque<Runnable> waiting = new ArrayDeque<>();
    }

    /**
     * For one call.
     *
     * @param most at once of this caller; the same for each of its calls
     */
    public Executor of(String caller, int most) {
        return task -> {
            synchronized (lanes) {
                Lane lane = lanes.computeIfAbsent(caller, c -> new Lane());
                if (lane.running == most) {
                    lane.waiting.add(task);
                    return;
                }
                lane.running++;
            }
            start(caller, task);
        };
    }

    private void start(String caller, Runnable task) {
        pool.execute(() -> {
            try {
                task.run();
            } finally {
                next(caller);
            }
        });
    }

    private void next(String caller) {
        Runnable task;
        synchronized (lanes) {
            Lane lane = lanes.get(caller);
            task = lane.waiting.poll();
            if (task == null && --lane.running == 0) {
                lanes.remove(caller);
            }
        }
        if (task != null) {
            start(caller, task);
        }
    }
}
