package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.WatchRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Follows a migration to its end, across restarts of the daemon. */
final class Watcher {
    static final Duration GIVE_UP = Duration.ofSeconds(30);
    private static final int REDRAW_MS = 200;
    private static final int LINE_MS = 1000;

    private final Session session;
    private final Progress progress;
    private final Output output;
    private final long giveUpNs;

    Watcher(Session session, Output output) {
        this(session, output, GIVE_UP);
    }

    Watcher(Session session, Output output, Duration giveUp) {
        this.session = session;
        this.output = output;
        progress = new Progress(output);
        giveUpNs = giveUp.toNanos();
    }

    /** The migration as it ended. Throws UNAVAILABLE when the daemon stays away; the migration goes on then. */
    Migration follow(String id) {
        Thread note = new Thread(() -> {
            progress.end();
            output.err.println("ferry: " + goesOn(id) + "; to undo it: ferry cancel " + id);
        });
        Runtime.getRuntime().addShutdownHook(note);
        try {
            return untilEnded(id);
        } finally {
            progress.end();
            forget(note);
        }
    }

    private Migration untilEnded(String id) {
        WatchRequest request = WatchRequest.newBuilder()
                .setId(id)
                .setIntervalMs(output.redraws ? REDRAW_MS : LINE_MS)
                .build();
        long lastHeard = System.nanoTime();
        boolean away = false;
        while (true) {
            String why;
            try (WatchStream stream = new WatchStream(session, request)) {
                while (true) {
                    long left = giveUpNs - (System.nanoTime() - lastHeard);
                    Migration m = stream.next(Math.max(left, 1));
                    lastHeard = System.nanoTime();
                    away = false;
                    progress.show(m);
                    if (Text.ended(m)) {
                        return m;
                    }
                }
            } catch (StatusRuntimeException e) {
                if (e.getStatus().getCode() != Status.Code.UNAVAILABLE) {
                    throw e;
                }
                why = Errors.why(e.getStatus());
            }
            if (System.nanoTime() - lastHeard >= giveUpNs) {
                throw Status.UNAVAILABLE
                        .withDescription("no word from ferryd for " + TimeUnit.NANOSECONDS.toSeconds(giveUpNs) + " s ("
                                + why + "); " + goesOn(id))
                        .asRuntimeException();
            }
            if (!away) {
                progress.note("ferry: connection to ferryd lost (" + why + "), trying again");
                away = true;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
            session.reconnect();
        }
    }

    private static String goesOn(String id) {
        return "migration " + id + " is not cancelled by this; to see it: ferry watch " + id;
    }

    private static void forget(Thread note) {
        try {
            Runtime.getRuntime().removeShutdownHook(note);
        } catch (IllegalStateException e) {
            LockSupport.park(); // Ctrl-C: the note is being printed, the process ends
        }
    }
}
