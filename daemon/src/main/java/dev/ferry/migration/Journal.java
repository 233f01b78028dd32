package dev.ferry.migration;

import java.util.List;

/**
 * What must outlive the daemon, not the host: one small record a migration and side, written whole and atomically before the
 * step that it announces. Thread-safe.
 */
public interface Journal {
    /** Names of the steps; the order within a side is the order of life. */
    enum Step {
        /** Source: tracking may be on; destination: a QEMU with -S may exist. Undone by whoever finds it. */
        PREPARING,
        /** Source: the commit may have been sent; the guest is the destination's. */
        HANDED_OVER,
        /** Destination: the guest may run here. */
        COMMITTED,
        /** Destination: it has run here; nobody resumes it any more but its operator. */
        RESUMED,
        /** Destination: this epoch never ran here and never will. */
        FENCED,
        /** Destination: every page is here and the pager is gone; kept for a while, for a source that asks again. */
        SETTLED
    }

    /**
     * @param epoch of the migration; an older one is refused
     * @param postcopyBandwidthBytesPerSecond of the background push; 0: unlimited
     */
    record Entry(
            String id,
            Side side,
            Step step,
            long epoch,
            String guest,
            String peer,
            String requestId,
            boolean keepSource,
            long startedUnixMs,
            long postcopyBandwidthBytesPerSecond) {
        /** The same, one step on. */
        public Entry at(Step next) {
            return new Entry(
                    id,
                    side,
                    next,
                    epoch,
                    guest,
                    peer,
                    requestId,
                    keepSource,
                    startedUnixMs,
                    postcopyBandwidthBytesPerSecond);
        }
    }

    void write(Entry entry);

    void remove(String id, Side side);

    List<Entry> readAll();
}
