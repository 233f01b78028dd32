package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.List;
import java.util.stream.Collectors;

/** The guest cannot move, or not now, for these reasons; nothing was touched. */
public final class CannotMoveException extends FerryException {
    private static final long serialVersionUID = 1L;

    private final transient List<Reason> reasons;

    public CannotMoveException(String guest, List<Reason> reasons) {
        super(
                Reason.areTemporary(reasons) ? ErrorCategory.RESOURCE_EXHAUSTED : ErrorCategory.FAILED_PRECONDITION,
                "guest " + guest + " cannot move" + (Reason.areTemporary(reasons) ? " now" : "")
                        + ", it runs on undisturbed: "
                        + reasons.stream()
                                .map(r -> r.code() + ": " + r.message())
                                .collect(Collectors.joining("; ")));
        this.reasons = List.copyOf(reasons);
    }

    public List<Reason> reasons() {
        return reasons;
    }
}
