package dev.ferry.migration;

import dev.ferry.postcopy.LatencyBuckets;
import dev.ferry.precopy.PageSink;
import java.util.List;
import java.util.OptionalLong;

/**
 * The source's connections to a destination, for one migration: control, demand and bulk, each its own TCP connection. Owned
 * by the migration's thread. UNAVAILABLE: the peer is away; reconnect and go on.
 */
public interface PeerLink extends AutoCloseable {
    /** Connects and says hello: refuses another protocol version or somebody who is not a ferryd. @return the peer's version */
    String hello();

    /**
     * As {@link #hello}, for a migration that is under way there. Where a peer has several addresses, one at which another ferryd
     * answers is passed over. NOT_FOUND: whoever answers does not know the migration.
     *
     * @param guestWaits silence of a second is a broken connection from now on
     * @param goesOn called now and then while it is tried; what it throws ends that
     */
    default void reconnect(boolean guestWaits, Runnable goesOn) {
        goesOn.run();
        hello();
    }

    List<Reason> check(IncomingSpec spec);

    /** After {@link #check}: memory that the destination has left for guests; empty: it does not say. */
    default OptionalLong memoryAvailableBytes() {
        return OptionalLong.empty();
    }

    /** Throws CannotMoveException. */
    void prepare(IncomingSpec spec);

    /** Opens the demand stream: the source answers on that connection's event loop. Returns once the destination has it. */
    void openDemand(DemandSource source);

    BulkLink openBulk();

    Arrivals.Switched switchover(long bulkSequence, List<PageRuns> stale, List<SmallPages> small, byte[] deviceState);

    Arrivals.Committed commit();

    void abort(String reason);

    List<PageRuns> missing();

    MigrationSnapshot.PostcopyCounts finish();

    /** After {@link #finish}: of all remote faults, as the destination has them. */
    default LatencyBuckets faultLatency() {
        return LatencyBuckets.NONE;
    }

    /** Pages that were not sent yet are gone for good. */
    void pagesLost(String reason);

    /** Returns when the guest can never run at the destination again. FAILED_PRECONDITION: it lives there. */
    void confirmLost();

    /** The last counters that the destination sent on its own. */
    MigrationSnapshot.PostcopyCounts lastCounts();

    /** Throws UNAVAILABLE when one of the streams has broken. */
    void throwIfBroken();

    /** Page data and headers sent on all connections. */
    long bytesSent();

    @Override
    void close();

    /** Bulk pages. */
    interface BulkLink extends PageSink {
        /** Of the last batch that was sent. */
        long sequence();

        /**
         * How long a batch may wait behind others on its way: what is under way is kept so low. Less while faults are outstanding,
         * because their answers wait in the same queue of the link.
         */
        void setQueueLimitNs(long ns);
    }

    /** Makes links. */
    interface Dialer {
        /** Connects lazily to a peer, given as HOST:PORT, or several of them with commas between. */
        PeerLink dial(String peer, long migration, long epoch);

        /** For connections that are lost in pre-copy. */
        default RetryLimits retryLimits() {
            return RetryLimits.DEFAULTS;
        }
    }
}
