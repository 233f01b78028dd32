package dev.ferry.api;

import dev.ferry.migration.MigrationControl;
import dev.ferry.v1.Migration;
import dev.ferry.v1.WatchEventsResponse;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** All Watch calls, however many, on one thread of their own; it owns them. */
final class Watches implements AutoCloseable {
    private static final long CLOSE_LIMIT_MS = 500;

    private final MigrationControl migrations;
    private final Set<Watch> all = new HashSet<>();
    private final Set<EventWatch> events = new HashSet<>();
    // What gRPC still tells the watches after the end is of no interest.
    private final ScheduledThreadPoolExecutor owner = new ScheduledThreadPoolExecutor(
            1, new DefaultThreadFactory("watch", true), new ThreadPoolExecutor.DiscardPolicy());

    Watches(MigrationControl migrations) {
        this.migrations = migrations;
        owner.setRemoveOnCancelPolicy(true);
        owner.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    /** Called while the call begins. */
    void add(String id, long intervalMs, ServerCallStreamObserver<Migration> client) {
        Watch watch = new Watch(migrations, id, intervalMs, owner, client, all::remove);
        owner.execute(() -> {
            all.add(watch);
            watch.begin();
        });
    }

    /** Likewise, of events. */
    void addEvents(String id, String token, long progressMs, ServerCallStreamObserver<WatchEventsResponse> client) {
        EventWatch watch = new EventWatch(migrations, id, token, progressMs, owner, client, events::remove);
        owner.execute(() -> {
            events.add(watch);
            watch.begin();
        });
    }

    /** Tells who still watches that the daemon ends. */
    @Override
    public void close() {
        owner.execute(() -> {
            RuntimeException stopping =
                    Status.UNAVAILABLE.withDescription("ferryd is stopping").asRuntimeException();
            Set.copyOf(all).forEach(w -> w.fail(stopping));
            Set.copyOf(events).forEach(w -> w.fail(stopping));
        });
        owner.shutdown();
        try {
            owner.awaitTermination(CLOSE_LIMIT_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
