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
        /** Destination: this epoch never ran here and never will. */
        FENCED
    }

    /** @param epoch of the migration; an older one is refused */
    record Entry(
            String id,
            Side side,
            Step step,
            long epoch,
            String guest,
            String peer,
            String requestId,
            boolean keepSource,
            long startedUnixMs) {}

    void write(Entry entry);

    void remove(String id, Side side);

    List<Entry> readAll();
}
