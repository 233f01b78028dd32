package dev.ferry.migration;

import java.util.List;

/**
 * One reason why a guest cannot move.
 *
 * @param code stable and machine-readable, upper case with underscores: {@code VFIO_DEVICE}
 * @param message for people: what was found, and what to do
 */
public record Reason(String code, String message) {
    /** It passes by itself: the same request is worth trying again. */
    public boolean isTemporary() {
        return code.equals(MoveLimits.OUTBOUND) || code.equals(MoveLimits.INBOUND);
    }

    static boolean areTemporary(List<Reason> reasons) {
        return reasons.stream().allMatch(Reason::isTemporary);
    }
}
