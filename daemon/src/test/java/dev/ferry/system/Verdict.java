package dev.ferry.system;

import dev.ferry.migration.FaultPoint;
import dev.ferry.migration.Side;
import java.util.EnumSet;
import java.util.Set;

/** How a move ends that a fault struck, by docs/specification.md. */
enum Verdict {
    /** The guest runs on the source, whole, as if nothing had happened. */
    ON_THE_SOURCE,
    /** It has moved, whole. */
    MOVED,
    /** It ended with the QEMU that it was in. */
    ENDED,
    /** It stands at the destination: pages of it ended with the source's QEMU. */
    WAITS;

    /** From PUSH_ENDED on nothing is needed from the source's memory, or almost nothing. */
    private static final Set<FaultPoint> COMPLETE = EnumSet.of(
            FaultPoint.FINISH_ANSWERED,
            FaultPoint.TRACKING_ENDED,
            FaultPoint.SOURCE_QEMU_ENDED,
            FaultPoint.DEPARTURE_FORGOTTEN,
            FaultPoint.EVERY_PAGE_VALID,
            FaultPoint.USERFAULTFD_CLOSED,
            FaultPoint.SETTLED_JOURNALLED);

    private static final Set<FaultPoint> SYNCHRONISED = EnumSet.of(
            FaultPoint.LAST_SYNC_DONE,
            FaultPoint.SWITCHOVER_ANSWERED,
            FaultPoint.STALE_APPLIED,
            FaultPoint.ARMED,
            FaultPoint.DEVICE_STATE_LOADED);

    private static final Set<FaultPoint> UNDO = EnumSet.of(
            FaultPoint.UNDO_BEGUN,
            FaultPoint.ABORT_ANSWERED,
            FaultPoint.GUEST_WENT_ON,
            FaultPoint.DESTINATION_QEMU_ENDED,
            FaultPoint.FENCED_JOURNALLED);

    /** Passed only when an operator orders it, or by the policy of lost pages: RollbackTest and LostPagesTest strike there. */
    private static final Set<FaultPoint> OTHERS = EnumSet.of(
            FaultPoint.LOSS_CONFIRMED,
            FaultPoint.ROLLBACK_JOURNALLED,
            FaultPoint.STOPPED_JOURNALLED,
            FaultPoint.GUEST_FROZEN,
            FaultPoint.GUEST_THAWED,
            FaultPoint.POISONED_JOURNALLED,
            FaultPoint.PAGES_POISONED,
            FaultPoint.LOST_QEMU_ENDED,
            FaultPoint.RENOUNCED_JOURNALLED);

    /** Those that a move passes, undone and recovered ones included. */
    static Set<FaultPoint> ofMoves() {
        return EnumSet.complementOf(EnumSet.copyOf(OTHERS));
    }

    /** Passed when a move is cancelled. */
    static boolean isUndo(FaultPoint point) {
        return UNDO.contains(point);
    }

    /** Passed after a connection was lost. */
    static boolean isRecovery(FaultPoint point) {
        return point == FaultPoint.RECONNECTED || point == FaultPoint.RESYNCHRONISED;
    }

    static boolean isAfterCommit(FaultPoint point) {
        return !isUndo(point)
                && point.compareTo(
                                point.side() == Side.SOURCE
                                        ? FaultPoint.COMMIT_ANSWERED
                                        : FaultPoint.COMMITTED_JOURNALLED)
                        >= 0;
    }

    /** Whether there is such a cell at all: a QEMU that is not there yet, or not any more, cannot be killed. */
    static boolean exists(FaultPoint point, Fault fault) {
        return switch (fault) {
            case KILL_DESTINATION_QEMU ->
                !isUndo(point)
                        && !COMPLETE.contains(point)
                        && point != FaultPoint.DEPARTURE_JOURNALLED
                        && point != FaultPoint.HELLO_ANSWERED
                        && point != FaultPoint.ARRIVAL_JOURNALLED;
            case KILL_SOURCE_QEMU -> point != FaultPoint.SOURCE_QEMU_ENDED && point != FaultPoint.DEPARTURE_FORGOTTEN;
            case KILL_SOURCE,
                    KILL_DESTINATION,
                    KILL_BOTH,
                    STOP_SOURCE,
                    STOP_DESTINATION,
                    CUT_SHORT,
                    CUT,
                    CUT_LONG,
                    CUT_TWICE -> true;
        };
    }

    /**
     * One of these is right.
     *
     * @param inFile whether the source's RAM is a file, which outlives its QEMU
     */
    static Set<Verdict> of(FaultPoint point, Fault fault, boolean inFile) {
        if (isAfterCommit(point)) {
            return switch (fault) {
                case KILL_SOURCE_QEMU ->
                    inFile || COMPLETE.contains(point)
                            ? EnumSet.of(MOVED)
                            : point == FaultPoint.PUSH_ENDED ? EnumSet.of(MOVED, WAITS) : EnumSet.of(WAITS);
                case KILL_DESTINATION_QEMU -> EnumSet.of(ENDED);
                case KILL_SOURCE,
                        KILL_DESTINATION,
                        KILL_BOTH,
                        STOP_SOURCE,
                        STOP_DESTINATION,
                        CUT_SHORT,
                        CUT,
                        CUT_LONG,
                        CUT_TWICE -> EnumSet.of(MOVED);
            };
        }
        boolean asked = point == FaultPoint.HANDED_OVER_JOURNALLED;
        return switch (fault) {
            case KILL_SOURCE -> EnumSet.of(asked ? MOVED : ON_THE_SOURCE);
            // FENCED: a destination whose daemon died before it wrote COMMITTED never ran the guest.
            case KILL_DESTINATION, KILL_BOTH, KILL_DESTINATION_QEMU -> EnumSet.of(ON_THE_SOURCE);
            // When all that changes is on its way the source's QEMU is not needed any more, but for pages that are not
            // in a file.
            case KILL_SOURCE_QEMU ->
                asked
                        ? EnumSet.of(inFile ? MOVED : WAITS)
                        : SYNCHRONISED.contains(point) ? EnumSet.of(ENDED, inFile ? MOVED : WAITS) : EnumSet.of(ENDED);
            case STOP_SOURCE, STOP_DESTINATION, CUT_SHORT, CUT, CUT_LONG, CUT_TWICE ->
                isUndo(point) ? EnumSet.of(ON_THE_SOURCE) : EnumSet.of(ON_THE_SOURCE, MOVED);
        };
    }
}
