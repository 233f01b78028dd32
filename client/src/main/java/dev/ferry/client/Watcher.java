package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.WatchRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Follows a migration to its end, across restarts of the daemon. */
final class Watcher {
    private static final long GIVE_UP_NS = TimeUnit.SECONDS.toNanos(30);
    private static final int TTY_INTERVAL_MS = 200;
    private static final int LINE_INTERVAL_MS = 1000;

    private final Session session;
    private final Output output;

    @SuppressWarnings("SystemConsoleNull") // on 22 and newer bin/ferry still runs with -Djdk.console=java.base
    private final boolean terminal = System.console() != null;

    Watcher(Session session, Output output) {
        this.session = session;
        this.output = output;
    }

    /** The migration as it ended. Throws UNAVAILABLE when the daemon stays away; the migration goes on then. */
    Migration follow(String id) {
        Thread note = new Thread(() -> output.err.println(
                System.lineSeparator() + "the migration goes on: ferry watch " + id + ", ferry cancel " + id));
        Runtime.getRuntime().addShutdownHook(note);
        try {
            return untilEnded(id);
        } finally {
            Runtime.getRuntime().removeShutdownHook(note);
        }
    }

    private Migration untilEnded(String id) {
        long lastHeard = System.nanoTime();
        while (true) {
            try {
                Iterator<Migration> stream = session.watching()
                        .watch(WatchRequest.newBuilder()
                                .setId(id)
                                .setIntervalMs(terminal ? TTY_INTERVAL_MS : LINE_INTERVAL_MS)
                                .build());
                while (stream.hasNext()) {
                    Migration m = stream.next();
                    lastHeard = System.nanoTime();
                    show(m);
                    if (Text.ended(m)) {
                        return m;
                    }
                }
            } catch (StatusRuntimeException e) {
                boolean away = e.getStatus().getCode() == Status.Code.UNAVAILABLE;
                if (!away || System.nanoTime() - lastHeard > GIVE_UP_NS) {
                    throw e;
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
            }
        }
    }

    private void show(Migration m) {
        if (terminal) {
            output.err.print("\r\033[K" + Text.progress(m) + (Text.ended(m) ? System.lineSeparator() : ""));
            output.err.flush();
        } else {
            output.err.println(Text.progress(m));
        }
    }
}
