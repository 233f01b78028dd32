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
}
