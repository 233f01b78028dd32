package dev.ferry.migration;

import java.util.List;

/** The guests of this host, as migrations need them. Thread-safe. */
public interface GuestHost {
    /** Opens a guest for leaving. NOT_FOUND with what there is. */
    SourceGuest openSource(String guest);

    /** Everything against this guest's arrival. Reads only. */
    List<Reason> checkIncoming(IncomingSpec spec);

    /** Starts or finds the destination QEMU and prepares its memory. CannotMoveException leaves nothing behind. */
    ArrivingGuest prepareIncoming(IncomingSpec spec);

    /** What a daemon that is gone had begun to send, before the commit: nothing of it stays, the guest runs. */
    void undoDeparture(String guest);

    /** What a daemon that is gone had begun to receive, before the commit: its QEMU is ended, its memory removed. */
    void undoArrival(String guest, String migrationId);
}
