package dev.ferry.api;

import dev.ferry.migration.MigrationControl;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.MigrationState;
import dev.ferry.v1.Migration;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One Watch call. Owned by the thread of {@link Watches}, which never waits here; gRPC's threads, the timer and the
 * migration's owner only send it there to look. A message is made when the client can take it, from the snapshot of that
 * moment: a slow client sees fewer, never older ones. A new state does not wait for the interval.
 */
final class Watch {
    private final MigrationControl migrations;
    private final String id;
    private final long intervalMs;
    private final ScheduledExecutorService owner;
    private final ServerCallStreamObserver<Migration> client;
    private final Consumer<Watch> left;
    private MigrationControl.Listening listening = () -> {};
    private ScheduledFuture<?> timer;
    private MigrationState shown;
    private boolean due = true;
    private boolean over;

    /**
     * Created while the call begins, when handlers may still be set.
     *
     * @param left told once when it is over, on the owner's thread
     */
    Watch(
            MigrationControl migrations,
            String id,
            long intervalMs,
            ScheduledExecutorService owner,
            ServerCallStreamObserver<Migration> client,
            Consumer<Watch> left) {
        this.migrations = migrations;
        this.id = id;
        this.intervalMs = intervalMs;
        this.owner = owner;
        this.client = client;
        this.left = left;
        client.setOnReadyHandler(this::askToLook);
        client.setOnCancelHandler(() -> owner.execute(this::end));
    }

    /** On the owner's thread, like everything below. */
    void begin() {
        guarded(() -> {
            listening = migrations.onStateChange(id, this::askToLook);
            look();
        });
    }

    void fail(RuntimeException error) {
        if (!over) {
            end();
            if (!client.isCancelled()) {
                client.onError(error);
            }
        }
    }

    private void askToLook() {
        owner.execute(() -> guarded(this::look));
    }

    private void guarded(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException e) {
            fail(ApiStatus.of("Watch " + id, e));
        }
    }

    private void look() {
        if (over || !client.isReady()) {
            return;
        }
        MigrationSnapshot now = migrations.get(id);
        if (!due && now.state() == shown) {
            return;
        }
        client.onNext(SnapshotMessages.of(now));
        if (now.state().hasEnded()) {
            end();
            client.onCompleted();
            return;
        }
        shown = now.state();
        due = false;
        if (timer != null) {
            timer.cancel(false);
        }
        timer = owner.schedule(() -> guarded(this::interval), intervalMs, TimeUnit.MILLISECONDS);
    }

    private void interval() {
        due = true;
        look();
    }

    private void end() {
        if (over) {
            return;
        }
        over = true;
        listening.close();
        if (timer != null) {
            timer.cancel(false);
        }
        left.accept(this);
    }
}
