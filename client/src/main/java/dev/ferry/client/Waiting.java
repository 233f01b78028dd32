package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import io.grpc.Status;

/** Waits for a migration's end with progress, prints its result. Ctrl-C ends the waiting, never the migration. */
final class Waiting {
    private Waiting() {}

    /**
     * @param isKnown ferryd has this migration: should it not answer, it is worth trying again
     * @return the exit code
     */
    static int untilEnd(Ferry ferry, Connection connection, String id, boolean isKnown) throws LostException {
        Migration end;
        try (ProgressView progress = ProgressView.of(ferry.terminal())) {
            Thread farewell = new Thread(() -> leave(ferry, progress, id), "farewell");
            Runtime.getRuntime().addShutdownHook(farewell);
            try {
                end = new Watcher(connection, ferry.patience(), progress).follow(id, isKnown);
            } catch (LostException e) {
                throw new LostException(
                        "lost ferryd at " + ferry.endpoint() + ": " + e.getMessage() + ". Migration " + id
                                + " goes on without us; see it with: " + ferry.again("watch " + id),
                        e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw Status.CANCELLED
                        .withDescription("interrupted; migration " + id + " goes on")
                        .asRuntimeException();
            } finally {
                forget(farewell);
            }
        }
        ClientCommand.print(ferry, end, () -> Summary.of(end));
        if (end.getState() == MigrationState.COMPLETED) {
            return ExitCode.DONE;
        }
        ferry.terminal().say(Whereabouts.ofUndone(end));
        return ExitCode.FAILED;
    }

    /** The process is ending although the migration is not. */
    private static void leave(Ferry ferry, ProgressView progress, String id) {
        progress.close();
        ferry.terminal()
                .say("migration " + id + " goes on. See it with: " + ferry.again("watch " + id) + ", undo it with: "
                        + ferry.again("cancel " + id));
    }

    private static void forget(Thread farewell) {
        try {
            Runtime.getRuntime().removeShutdownHook(farewell);
        } catch (IllegalStateException e) {
            // The process is ending: it runs already.
            return;
        }
    }
}
