package dev.ferry.migration;

/**
 * The boundaries of the protocol, on either side in the order in which a move passes them. Each is passed when what its name
 * says has just been done and nothing of the next has begun. What lies between a question and its answer is the other side's.
 */
public enum FaultPoint {
    DEPARTURE_JOURNALLED(Side.SOURCE),
    HELLO_ANSWERED(Side.SOURCE),
    PREPARE_ANSWERED(Side.SOURCE),
    BULK_OPENED(Side.SOURCE),
    TRACKING_BEGUN(Side.SOURCE),
    /** Each. */
    ROUND_ENDED(Side.SOURCE),
    PRECOPY_ENDED(Side.SOURCE),
    DEMAND_OPENED(Side.SOURCE),
    GUEST_STOPPED(Side.SOURCE),
    DEVICE_STATE_SAVED(Side.SOURCE),
    LAST_SYNC_DONE(Side.SOURCE),
    SWITCHOVER_ANSWERED(Side.SOURCE),
    HANDED_OVER_JOURNALLED(Side.SOURCE),
    COMMIT_ANSWERED(Side.SOURCE),
    PUSH_BEGUN(Side.SOURCE),
    /** Each. */
    BATCH_PUSHED(Side.SOURCE),
    PUSH_ENDED(Side.SOURCE),
    FINISH_ANSWERED(Side.SOURCE),
    TRACKING_ENDED(Side.SOURCE),
    SOURCE_QEMU_ENDED(Side.SOURCE),
    DEPARTURE_FORGOTTEN(Side.SOURCE),

    /** Recovery, after the commit: hello was answered again. */
    RECONNECTED(Side.SOURCE),
    /** The destination has said what is missing; the streams are open again. */
    RESYNCHRONISED(Side.SOURCE),

    /** Before the commit something has failed, or somebody has cancelled. */
    UNDO_BEGUN(Side.SOURCE),
    GUEST_WENT_ON(Side.SOURCE),
    ABORT_ANSWERED(Side.SOURCE),

    /** An operator has ordered a rollback: the destination has confirmed that its QEMU is gone for good. */
    LOSS_CONFIRMED(Side.SOURCE),
    /** From here on the guest is the source's again; GUEST_WENT_ON follows. */
    ROLLBACK_JOURNALLED(Side.SOURCE),

    ARRIVAL_JOURNALLED(Side.DESTINATION),
    DESTINATION_QEMU_STARTED(Side.DESTINATION),
    USERFAULTFD_INJECTED(Side.DESTINATION),
    ARRIVAL_PREPARED(Side.DESTINATION),
    STALE_APPLIED(Side.DESTINATION),
    ARMED(Side.DESTINATION),
    DEVICE_STATE_LOADED(Side.DESTINATION),
    COMMITTED_JOURNALLED(Side.DESTINATION),
    GUEST_RESUMED(Side.DESTINATION),
    RESUMED_JOURNALLED(Side.DESTINATION),
    /** Each, on the thread that reads faults. */
    FAULT_ASKED(Side.DESTINATION),
    /** Each, on the event loop of the demand stream. */
    DEMAND_PAGE_PLACED(Side.DESTINATION),
    EVERY_PAGE_VALID(Side.DESTINATION),
    USERFAULTFD_CLOSED(Side.DESTINATION),
    SETTLED_JOURNALLED(Side.DESTINATION),

    /** The destination's half of an undo. */
    DESTINATION_QEMU_ENDED(Side.DESTINATION),
    FENCED_JOURNALLED(Side.DESTINATION),

    /** The policy of lost pages. */
    STOPPED_JOURNALLED(Side.DESTINATION),
    GUEST_FROZEN(Side.DESTINATION),
    GUEST_THAWED(Side.DESTINATION),
    POISONED_JOURNALLED(Side.DESTINATION),
    PAGES_POISONED(Side.DESTINATION),

    /** The destination's half of a rollback. */
    LOST_QEMU_ENDED(Side.DESTINATION),
    RENOUNCED_JOURNALLED(Side.DESTINATION);

    private final Side side;

    FaultPoint(Side side) {
        this.side = side;
    }

    /** Whose daemon passes it. */
    public Side side() {
        return side;
    }
}
