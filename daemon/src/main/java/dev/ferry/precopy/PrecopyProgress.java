package dev.ferry.precopy;

/** Told about pre-copy as it goes, on the owner thread. */
public interface PrecopyProgress {
    void roundBegins(int round, long toSendBytes);

    /** After each batch; totals so far. */
    void sent(long pages, long zeroPages, long bytes);

    /** @param dirtyBytes written by the guest during the round, which took {@code roundNs} */
    void dirtySync(long dirtyBytes, long roundNs);

    void stopped(String rule);
}
