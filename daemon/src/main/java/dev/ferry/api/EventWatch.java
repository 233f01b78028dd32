package dev.ferry.api;

import dev.ferry.migration.EventLog;
import dev.ferry.migration.MigrationControl;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.v1.WatchEventsResponse;
import dev.ferry.v1.WatchEventsResponse.Kind;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One WatchEvents call: a position in the log that moves on as the client takes messages. Owned by the thread of {@link Watches},
 * like {@link Watch}. A client that is slower than the log is long is told so; nothing is left out in silence.
 */
final class EventWatch {
    private static final int BATCH = 64;

    /** A state is changed a moment before its event is there. */
    private static final long LAST_EVENT_MS = 200;

    private final MigrationControl migrations;
    private final EventLog log;
    private final String id;
    private final String token;
    private final long progressMs;
    private final ScheduledExecutorService owner;
    private final ServerCallStreamObserver<WatchEventsResponse> client;
    private final Consumer<EventWatch> left;
    private MigrationControl.Listening listening = () -> {};
    private ScheduledFuture<?> timer;
    private long position;
    private boolean over;

    /**
     * Created while the call begins, when handlers may still be set.
     *
     * @param id empty: all migrations
     * @param token empty: from now on
     * @param progressMs 0: only events
     */
    EventWatch(
            MigrationControl migrations,
            String id,
            String token,
            long progressMs,
            ScheduledExecutorService owner,
            ServerCallStreamObserver<WatchEventsResponse> client,
            Consumer<EventWatch> left) {
        this.migrations = migrations;
        this.log = migrations.events();
        this.id = id;
        this.token = token;
        this.progressMs = progressMs;
        this.owner = owner;
        this.client = client;
        this.left = left;
        client.setOnReadyHandler(this::askToLook);
        client.setOnCancelHandler(() -> owner.execute(this::end));
    }

    /** On the owner's thread, like everything below. */
    void begin() {
        guarded(() -> {
            position = token.isEmpty() ? log.last() : log.position(token);
            boolean ended = !id.isEmpty() && migrations.get(id).state().hasEnded();
            listening = log.onAppend(this::askToLook);
            client.onNext(message(Kind.KIND_WATCHING, 0).build());
            look();
            if (ended && !over) {
                timer = owner.schedule(() -> guarded(this::complete), LAST_EVENT_MS, TimeUnit.MILLISECONDS);
            } else if (progressMs > 0 && !over) {
                timer = owner.scheduleWithFixedDelay(
                        () -> guarded(this::progress), 0, progressMs, TimeUnit.MILLISECONDS);
            }
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
            fail(ApiStatus.of("WatchEvents", e));
        }
    }

    private void look() {
        while (!over && client.isReady()) {
            List<EventLog.Event> events = log.after(position, BATCH);
            if (events.isEmpty()) {
                return;
            }
            for (EventLog.Event event : events) {
                position = event.sequence();
                if (id.isEmpty() || id.equals(event.migration().id())) {
                    send(event);
                }
                if (over) {
                    return;
                }
            }
        }
    }

    private void send(EventLog.Event event) {
        Kind kind = switch (event.kind()) {
            case STATE -> Kind.KIND_STATE;
            case NETWORKS -> Kind.KIND_NETWORKS;
        };
        client.onNext(message(kind, event.unixMs())
                .setSequence(event.sequence())
                .setMigration(SnapshotMessages.of(event.migration()))
                .build());
        if (!id.isEmpty() && event.migration().state().hasEnded()) {
            complete();
        }
    }

    private void progress() {
        if (over || !client.isReady()) {
            return;
        }
        List<MigrationSnapshot> now = id.isEmpty() ? migrations.list() : List.of(migrations.get(id));
        for (MigrationSnapshot s : now) {
            if (!s.state().hasEnded()) {
                client.onNext(message(Kind.KIND_PROGRESS, 0)
                        .setMigration(SnapshotMessages.of(s))
                        .build());
            }
        }
    }

    private WatchEventsResponse.Builder message(Kind kind, long unixMs) {
        return WatchEventsResponse.newBuilder()
                .setKind(kind)
                .setResumeToken(log.token(position))
                .setUnixMs(unixMs);
    }

    private void complete() {
        if (!over) {
            end();
            client.onCompleted();
        }
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
