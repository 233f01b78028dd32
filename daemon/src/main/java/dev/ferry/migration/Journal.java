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
        /** Source: the destination's QEMU has ended for good and an operator has ordered the guest to run here again. */
        ROLLED_BACK,
        /** Destination: the guest may run here. */
        COMMITTED,
        /** Destination: it has run here; nobody resumes it any more but its operator. */
        RESUMED,
        /** Destination: it has run here, and by policy it stands until an operator lets it go on. */
        STOPPED,
        /** Destination: by policy every page that is not valid is poisoned for good. */
        POISONED,
        /** Destination: it has run here, its QEMU has ended, and nothing of it ever runs again: the source may roll back. */
        RENOUNCED,
        /** Destination: this epoch never ran here and never will. */
        FENCED,
        /** Destination: every page is here and the pager is gone; kept for a while, for a source that asks again. */
        SETTLED
    }

    /**
     * @param epoch of the migration; an older one is refused
     * @param postcopyBandwidthBytesPerSecond of the background push; 0: unlimited
     * @param lostPages the destination's policy
     * @param identity the destination's: the names, with commas, that the source has proven by its certificate, and must all prove again; else empty
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
            long postcopyBandwidthBytesPerSecond,
            LostPagePolicy lostPages,
            String identity) {
        public Entry(
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
            this(
                    id,
                    side,
                    step,
                    epoch,
                    guest,
                    peer,
                    requestId,
                    keepSource,
                    startedUnixMs,
                    postcopyBandwidthBytesPerSecond,
                    LostPagePolicy.defaults(),
                    "");
        }

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
                    postcopyBandwidthBytesPerSecond,
                    lostPages,
                    identity);
        }
    }

    void write(Entry entry);

    void remove(String id, Side side);

    /** Without those of {@link #unreadable}. */
    List<Entry> readAll();

    /** Entries, for people, that cannot be read: nobody knows what they say of a guest, so nothing is done by them. */
    default List<String> unreadable() {
        return List.of();
    }
}
