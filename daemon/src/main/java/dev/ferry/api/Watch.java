package dev.ferry.api;

import dev.ferry.base.NanoClock;
import dev.ferry.migration.MigrationControl;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.v1.Migration;
import io.grpc.stub.ServerCallStreamObserver;

/**
 * One Watch call. Runs on a thread of its own; gRPC's threads only tell it that the client reads again or has gone. A
 * message is made when the client can take it, from the snapshot of that moment: a slow client sees fewer, never older
 * ones. The end of the migration does not wait for the interval.
 */
final class Watch implements Runnable {
    /** How often a snapshot that changes all the time is looked at, so that the end is seen soon. */
    private static final long GLANCE_MS = 20;

    /** How long the thread of a client that has gone waits on for a change. */
    private static final long NOTICE_MS = 1000;

    private final MigrationControl migrations;
    private final String id;
    private final long intervalMs;
    private final NanoClock clock;
    private final ServerCallStreamObserver<Migration> client;
    private boolean isGone;

    Watch(
            MigrationControl migrations,
            String id,
            long intervalMs,
            NanoClock clock,
            ServerCallStreamObserver<Migration> client) {
        this.migrations = migrations;
        this.id = id;
        this.intervalMs = intervalMs;
        this.clock = clock;
        this.client = client;
        client.setOnReadyHandler(this::wake);
        client.setOnCancelHandler(this::leave);
    }

    @Override
    public void run() {
        try {
            while (awaitReady()) {
                MigrationSnapshot shown = migrations.get(id);
                client.onNext(SnapshotMessages.of(shown));
                if (shown.state().hasEnded()) {
                    client.onCompleted();
                    return;
                }
                awaitNext(shown);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail(io.grpc.Status.UNAVAILABLE
                    .withDescription("ferryd is stopping")
                    .asRuntimeException());
        } catch (RuntimeException e) {
            fail(ApiStatus.of("Watch " + id, e));
        }
    }

    private void fail(RuntimeException error) {
        if (!client.isCancelled()) {
            client.onError(error);
        }
    }

    /** Until the interval has passed or the migration has ended. */
    private void awaitNext(MigrationSnapshot shown) throws InterruptedException {
        long endNs = clock.nanoTime() + intervalMs * 1_000_000;
        long version = shown.version();
        while (true) {
            long leftMs = (endNs - clock.nanoTime()) / 1_000_000;
            if (leftMs <= 0 || hasLeft()) {
                return;
            }
            MigrationSnapshot now = migrations.awaitChange(id, version, Math.min(leftMs, NOTICE_MS));
            if (now.state().hasEnded()) {
                return;
            }
            version = now.version();
            pause(Math.min(leftMs, GLANCE_MS));
        }
    }

    /** @return false when the client has gone */
    private synchronized boolean awaitReady() throws InterruptedException {
        while (!isGone && !client.isCancelled() && !client.isReady()) {
            wait();
        }
        return !isGone && !client.isCancelled();
    }

    private synchronized void pause(long ms) throws InterruptedException {
        long endNs = clock.nanoTime() + ms * 1_000_000;
        for (long left = ms; left > 0 && !isGone; left = (endNs - clock.nanoTime()) / 1_000_000) {
            wait(left);
        }
    }

    private synchronized boolean hasLeft() {
        return isGone;
    }

    private synchronized void wake() {
        notifyAll();
    }

    private synchronized void leave() {
        isGone = true;
        notifyAll();
    }
}
