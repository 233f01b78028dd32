package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.List;
import java.util.stream.Collectors;

/** The guest cannot move, for these reasons; nothing was touched. */
public final class CannotMoveException extends FerryException {
    private static final long serialVersionUID = 1L;

    private final transient List<Reason> reasons;

    public CannotMoveException(String guest, List<Reason> reasons) {
        super(
                ErrorCategory.FAILED_PRECONDITION,
                "guest " + guest + " cannot move, it runs on undisturbed: "
                        + reasons.stream()
                                .map(r -> r.code() + ": " + r.message())
                                .collect(Collectors.joining("; ")));
        this.reasons = List.copyOf(reasons);
    }

    public List<Reason> reasons() {
        return reasons;
    }
}
