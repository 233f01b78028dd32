package dev.ferry.migration;

import java.util.List;

/**
 * Which request started which migration, and how that ended: so that a request that comes again finds it, also after a restart
 * of the daemon and when the migration's own journal has gone. Thread-safe; like the journal it outlives the daemon, not the host.
 */
public interface RequestLog {
    /** How long a request is remembered after it was made. */
    long REMEMBERED_MS = 24 * 3_600_000L;

    /**
     * @param state as far as it got; not every state is written, POSTCOPY and the last one are
     * @param endedUnixMs 0: it has not
     */
    record Entry(
            String requestId,
            String fingerprint,
            String migration,
            String guest,
            String peer,
            long startedUnixMs,
            MigrationState state,
            Side runsOn,
            String reason,
            String error,
            long endedUnixMs) {}

    void write(Entry entry);

    void remove(String migration);

    /** Those that can be read. */
    List<Entry> readAll();

    /** Remembers nothing. */
    RequestLog NONE = new RequestLog() {
        @Override
        public void write(Entry entry) {}

        @Override
        public void remove(String migration) {}

        @Override
        public List<Entry> readAll() {
            return List.of();
        }
    };
}
