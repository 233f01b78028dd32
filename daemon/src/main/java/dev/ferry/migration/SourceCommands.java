package dev.ferry.migration;

import dev.ferry.precopy.Commands;

/**
 * What people ask of a migration that leaves. The one place that decides between a cancel and the commit: after
 * {@link #closeToCancel} a cancel is refused, before it the commit is. Thread-safe.
 */
final class SourceCommands implements Commands {
    private boolean cancelled;
    private boolean switchNow;
    private boolean closed;

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

    /** The migration has ended: nothing can be asked any more. */
    synchronized void close() {
        closed = true;
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
