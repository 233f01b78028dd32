package dev.ferry.migration;

import java.util.List;
import java.util.Optional;

/** The guests of this host, as migrations need them. Thread-safe. */
public interface GuestHost {
    /** Opens a guest for leaving. NOT_FOUND with what there is. */
    SourceGuest openSource(String guest);

    /** Everything against this guest's arrival. Reads only. */
    List<Reason> checkIncoming(IncomingSpec spec);

    /** Memory for guests that are started for their arrival; empty: nothing is known of it. */
    default Optional<MemoryRoom> memoryRoom() {
        return Optional.empty();
    }

    /** Whether a QEMU of somebody else's waits for this guest: its memory is no longer asked for. */
    default boolean isAwaited(String guest) {
        return false;
    }

    /** Starts or finds the destination QEMU and prepares its memory. CannotMoveException leaves nothing behind. */
    ArrivingGuest prepareIncoming(IncomingSpec spec);

    /**
     * The committed guest that an earlier daemon received: takes its userfaultfd and its bitmaps again. Asks QEMU nothing,
     * because QEMU may be waiting for a page. Throws when the guest is lost, saying why.
     */
    ArrivingGuest recoverArrival(String guest, String migrationId);

    /** The committed guest has settled: whatever is still kept of its arrival is removed. */
    void forgetArrival(String migrationId);

    /**
     * A guest that an earlier daemon gave away, for sending its last pages. Its write tracking is taken off, and it is not
     * resumed. If its QEMU has ended, it is a guest without blocks.
     */
    SourceGuest recoverSource(String guest);

    /** What a daemon that is gone had begun to send, before the commit: nothing of it stays, the guest runs. */
    void undoDeparture(String guest);

    /**
     * A guest that ran here and has ended: what is left of its QEMU is ended, nothing of its arrival stays. Nothing of another
     * guest of that name is touched. Harmless twice.
     */
    void removeLost(String guest, String migrationId);

    /** The part of {@link #removeLost} that makes sure that nothing of it runs. */
    void endLost(String guest, String migrationId);

    /** What a daemon that is gone had begun to receive, before the commit: its QEMU is ended, its memory removed. */
    void undoArrival(String guest, String migrationId);
}
