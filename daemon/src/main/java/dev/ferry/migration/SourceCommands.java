package dev.ferry.migration;

import dev.ferry.precopy.Commands;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * What people ask of a migration that leaves. The one place that decides between a cancel and the commit: after
 * {@link #closeToCancel} a cancel is refused, before it the commit is. Thread-safe.
 */
final class SourceCommands implements Commands {
    private boolean cancelled;
    private boolean switchNow;
    private boolean closed;
    private boolean networksConfirmed;
    private Thread waitsForNetworks;
    private Rollback rollback;

    /** Thrown on the owner's thread; ends in CANCELLED. */
    static final class CancelledException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        CancelledException() {
            super("cancelled, as asked");
        }
    }

    /** False: too late. */
    synchronized boolean cancel() {
        if (closed) {
            return false;
        }
        cancelled = true;
        return true;
    }

    /** False: it has switched, or was cancelled. */
    synchronized boolean requestSwitch() {
        if (closed || cancelled) {
            return false;
        }
        switchNow = true;
        return true;
    }

    /** The last moment for a cancel. */
    synchronized void closeToCancel() {
        throwIfCancelled();
        closed = true;
    }

    /** The networks are ready, or will be in time: nobody waits for them. */
    synchronized void confirmNetworks() {
        networksConfirmed = true;
        LockSupport.unpark(waitsForNetworks);
    }

    /** On the owner's thread, before a wait that {@link #confirmNetworks} may cut short. @return whether it was said */
    synchronized boolean networksConfirmed(Thread owner) {
        waitsForNetworks = owner;
        return networksConfirmed;
    }

    /** The migration has ended: nothing can be asked any more. */
    synchronized void close() {
        closed = true;
    }

    /** An operator's order to run the source's copy. The caller waits for the answer, the owner gives it. */
    static final class Rollback {
        final boolean destinationIsFenced;
        private final CompletableFuture<Void> answer = new CompletableFuture<>();

        Rollback(boolean destinationIsFenced) {
            this.destinationIsFenced = destinationIsFenced;
        }

        void done() {
            answer.complete(null);
        }

        void refuse(Throwable why) {
            answer.completeExceptionally(why);
        }

        /** False: not yet. Throws what it was refused with. */
        boolean await(long ms) throws InterruptedException {
            try {
                answer.get(ms, TimeUnit.MILLISECONDS);
                return true;
            } catch (TimeoutException e) {
                return false;
            } catch (ExecutionException e) {
                if (e.getCause() instanceof RuntimeException why) {
                    throw why;
                }
                throw new IllegalStateException(e.getCause());
            }
        }
    }

    /** Replaces one that was not taken. */
    synchronized void order(Rollback order) {
        rollback = order;
    }

    /** False: the owner has taken it and will answer. */
    synchronized boolean withdraw(Rollback order) {
        if (rollback != order) {
            return false;
        }
        rollback = null;
        return true;
    }

    /** On the owner's thread: null if there is none. */
    synchronized Rollback takeRollback() {
        Rollback order = rollback;
        rollback = null;
        return order;
    }

    @Override
    public synchronized void throwIfCancelled() {
        if (cancelled) {
            throw new CancelledException();
        }
    }

    @Override
    public synchronized boolean switchRequested() {
        return switchNow;
    }
}
