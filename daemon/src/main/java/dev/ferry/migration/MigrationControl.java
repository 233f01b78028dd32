package dev.ferry.migration;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What the API asks of the migrations of this daemon. Thread-safe. Errors are FerryExceptions with the category to answer. */
public interface MigrationControl {
    /**
     * Touches nothing.
     *
     * @param reservation of memory at the destination; empty: none
     */
    Checked check(String guest, String to, String reservation);

    default Checked check(String guest, String to) {
        return check(guest, to, "");
    }

    /**
     * @param against every reason; empty: it can move
     * @param destinationVersion of the ferryd there
     * @param destinationMemoryBytes that are left there for guests; empty: it does not say
     * @param prediction empty: the guest's memory cannot be looked at
     */
    record Checked(
            List<Reason> against,
            String destinationVersion,
            OptionalLong destinationMemoryBytes,
            Optional<Prediction> prediction) {}

    /**
     * Of a guest that does not move yet.
     *
     * @param populatedBytes what it has in its memory: at least so much is sent
     * @param forecast as if it wrote as much as the guests that have left before it
     */
    record Prediction(long populatedBytes, Forecast forecast) {}

    /**
     * @param requestId equal ids, not empty, give the same migration
     * @throws CannotMoveException with the reasons
     */
    MigrationSnapshot start(String guest, String to, String requestId, Policy policy, StartOptions options);

    default MigrationSnapshot start(String guest, String to, String requestId, Policy policy) {
        return start(guest, to, requestId, policy, StartOptions.NONE);
    }

    /** What happens to all of them. */
    EventLog events();

    /** The guest's networks are ready at the destination. */
    MigrationSnapshot confirmNetworks(String id);

    /** NOT_FOUND if there is none. */
    MigrationSnapshot get(String id);

    /** Newest first. */
    List<MigrationSnapshot> list();

    MigrationSnapshot switchToPostcopy(String id);

    /** Returns when it has ended. */
    MigrationSnapshot cancel(String id);

    /**
     * Changes bandwidth limits, at once. NOT_FOUND if there is none; FAILED_PRECONDITION if it has ended or arrives here.
     */
    MigrationSnapshot setLimits(String id, Limits.Change change);

    /**
     * Lets the copy run that is paused on the source, after the destination's QEMU has ended; returns when it runs, the
     * migration has ended then. Of one that was rolled back already: that one.
     *
     * @param acceptDataLoss refused without
     * @param destinationIsFenced somebody's word for it, where the destination does not answer
     * @throws dev.ferry.base.FerryException FAILED_PRECONDITION: not possible, or not any more, or the destination does not answer
     */
    MigrationSnapshot rollback(String id, boolean acceptDataLoss, boolean destinationIsFenced);

    /** Lets a guest go on that the policy of lost pages has stopped, here at the destination. */
    MigrationSnapshot resume(String id);

    /** Waits until the snapshot's version is above {@code version} or the time has passed; the snapshot then. */
    MigrationSnapshot awaitChange(String id, long version, long timeoutMs) throws InterruptedException;

    /**
     * Calls the listener after each change of the state, on the thread that changes it: it must not wait. NOT_FOUND if
     * there is none.
     */
    Listening onStateChange(String id, Runnable listener);

    /** Until it is closed. */
    interface Listening extends AutoCloseable {
        @Override
        void close();
    }
}
