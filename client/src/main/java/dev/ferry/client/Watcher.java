package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.WatchRequest;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Follows one migration to its end, through restarts of the daemon. Runs on the waiting thread. */
final class Watcher {
    /** Short, so that a move of half a second is seen as well; {@link ProgressView} decides what is printed. */
    private static final int INTERVAL_MS = 100;

    private static final long NS_PER_MS = 1_000_000;

    private final Connection connection;
    private final Patience patience;
    private final ProgressView progress;
    private long heardNs;
    private boolean hasBeenSeen;
    private boolean isAway;

    Watcher(Connection connection, Patience patience, ProgressView progress) {
        this.connection = connection;
        this.patience = patience;
        this.progress = progress;
    }

    /**
     * @param isKnown whether to try again from the first call on; otherwise only once the migration has been seen
     * @return the migration, ended
     * @throws LostException no word from the daemon for too long
     * @throws io.grpc.StatusRuntimeException what ferryd refused
     */
    Migration follow(String id, boolean isKnown) throws LostException, InterruptedException {
        heardNs = System.nanoTime();
        hasBeenSeen = isKnown;
        while (true) {
            try {
                return readToTheEnd(id);
            } catch (StatusException e) {
                if (!hasBeenSeen || !mayPass(e.getStatus().getCode())) {
                    throw e.getStatus().asRuntimeException(e.getTrailers());
                }
                bear(e);
            }
        }
    }

    private Migration readToTheEnd(String id) throws StatusException, InterruptedException {
        BlockingClientCall<?, Migration> call = connection
                .watches()
                .watch(WatchRequest.newBuilder()
                        .setId(id)
                        .setIntervalMs(INTERVAL_MS)
                        .build());
        try {
            for (Migration m = next(call); m != null; m = next(call)) {
                heard();
                progress.show(m);
                if (Whereabouts.hasEnded(m)) {
                    return m;
                }
            }
            throw unavailable("it ended the stream before the migration had ended");
        } catch (TimeoutException e) {
            throw unavailable("no word for " + patience.silentMs() / 1000.0 + " s");
        } finally {
            call.cancel("left", null);
        }
    }

    private Migration next(BlockingClientCall<?, Migration> call)
            throws StatusException, InterruptedException, TimeoutException {
        return call.read(patience.silentMs(), TimeUnit.MILLISECONDS);
    }

    private static StatusException unavailable(String why) {
        return Status.UNAVAILABLE.withDescription(why).asException();
    }

    private void heard() {
        heardNs = System.nanoTime();
        hasBeenSeen = true;
        if (isAway) {
            isAway = false;
            progress.say("ferryd is back");
        }
    }

    /** A stopping server ends streams with CANCELLED as well; we never cancel one that we read. */
    private static boolean mayPass(Status.Code code) {
        return code == Status.Code.UNAVAILABLE || code == Status.Code.CANCELLED;
    }

    private void bear(StatusException error) throws LostException, InterruptedException {
        String why = Unreachable.reason(error.getStatus());
        if (System.nanoTime() - heardNs > patience.lostMs() * NS_PER_MS) {
            throw new LostException(why, error);
        }
        if (!isAway) {
            isAway = true;
            progress.say("lost ferryd (" + why + "); the migration goes on; trying again for "
                    + patience.lostMs() / 1000 + " s");
        }
        Thread.sleep(patience.retryMs());
        connection.dialAgain();
    }
}
