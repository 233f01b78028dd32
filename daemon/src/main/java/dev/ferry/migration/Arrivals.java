package dev.ferry.migration;

import dev.ferry.memory.RamBlock;
import dev.ferry.postcopy.FaultQueue;
import dev.ferry.postcopy.LatencyBuckets;
import dev.ferry.postcopy.PageRequester;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.OptionalLong;

/**
 * What the peer service asks of the migrations that arrive here, in the protocol's order. Thread-safe, idempotent for one
 * (migration, epoch). NOT_FOUND: unknown; ABORTED: an older epoch; FAILED_PRECONDITION: wrong state.
 */
public interface Arrivals {
    List<Reason> check(IncomingSpec spec);

    /** Memory that this host has left for guests that arrive; empty: nothing is known of it. */
    default OptionalLong memoryAvailableBytes() {
        return OptionalLong.empty();
    }

    /** Whether this migration is or was here: else the source has reached another daemon than the one that it means. */
    default boolean knows(long migration) {
        return true;
    }

    /**
     * PERMISSION_DENIED: this migration was begun by a source that has proven to be another. One that is not known here is nobody's.
     *
     * @param proven the caller's names, of its certificate; empty: nobody has to prove anything here
     */
    void requireSource(long migration, Collection<String> proven);

    /** Throws CannotMoveException with the reasons. */
    void prepare(IncomingSpec spec);

    /** @return the phases of the destination's share of the blackout */
    Switched switchover(
            long migration,
            long epoch,
            long bulkSequence,
            List<PageRuns> stale,
            List<SmallPages> small,
            byte[] deviceState);

    Committed commit(long migration, long epoch);

    void abort(long migration, long epoch, String reason);

    List<PageRuns> missing(long migration, long epoch);

    MigrationSnapshot.PostcopyCounts finish(long migration, long epoch);

    /** After {@link #finish}: of all remote faults; none where nobody knows any more. */
    default LatencyBuckets faultLatency(long migration) {
        return LatencyBuckets.NONE;
    }

    /** Pages that were not sent yet are gone for good. */
    void pagesLost(long migration, long epoch, String reason);

    /** Returns when the guest, which had run here, can never run here again. FAILED_PRECONDITION: it lives. */
    void confirmLost(long migration, long epoch);

    /** A step's message broke the protocol: the migration fails closed, as after a page message that does. */
    void refused(long migration, long epoch, String why);

    /** Counters for the source to show. */
    MigrationSnapshot.PostcopyCounts counts(long migration, long epoch);

    /** Opens a stream of pages; the receiver belongs to that stream's event loop. */
    PageReceiver openBulk(long migration, long epoch);

    /** Likewise, and faults are asked for through the requester from now on. */
    PageReceiver openDemand(long migration, long epoch, PageRequester requester);

    /** @param residualPages not valid when the guest could run */
    record Switched(List<PhaseTime> phases, long residualPages) {}

    /** @param fenced it never ran and never will; the source may go on */
    record Committed(boolean fenced, String message, List<PhaseTime> phases) {}

    /** Where received pages go. Every number is checked here: out of range is INVALID_ARGUMENT and fails the migration. */
    interface PageReceiver {
        RamBlock block(int index);

        void pages(RamBlock block, long firstPage, int count, ByteBuffer data, int index);

        void zeroPages(RamBlock block, long firstPage, long count);

        /** The faults that are asked for on this stream; empty unless it is a demand stream. */
        FaultQueue faults();

        /** Everything up to this batch was placed. */
        void placed(long sequence);

        /**
         * A message had a wrong checksum and nothing of it was placed.
         *
         * @return whether its pages are to be fetched again; false: it is refused
         */
        boolean damaged(RamBlock block);

        /** These pages came damaged: they are not valid, and are asked for as soon as somebody can be asked. */
        void refetch(RamBlock block, long firstPage, long count);

        /** A message with data was whole. */
        void intact();

        /** A page that answers no request; only then a demand answer is taken. */
        boolean expects(RamBlock block, long firstPage, long count);

        /** A message broke the protocol and nothing of it was placed: the migration fails closed. */
        void refused(String why);

        /** The stream has ended; an error means that the peer is away or misbehaved. */
        void closed(Throwable errorOrNull);
    }
}
