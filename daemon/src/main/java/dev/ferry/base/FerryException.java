package dev.ferry.base;

import java.util.Map;

/**
 * A failure that a person may read: what was tried, on which guest, with which code, and what to do. Unchecked, because
 * nearly every operation here can meet one and only the owner of a migration decides what it means.
 */
public class FerryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorCategory category;
    private final String reason;
    private final transient Map<String, String> details;

    public FerryException(ErrorCategory category, String message) {
        this(category, "", Map.of(), message);
    }

    /**
     * One that programs tell from others.
     *
     * @param reason stable, upper case with underscores; the callers of the API see it
     * @param details likewise: what it is about, by names in lower case
     */
    public FerryException(ErrorCategory category, String reason, Map<String, String> details, String message) {
        super(message);
        this.category = category;
        this.reason = reason;
        this.details = Map.copyOf(details);
    }

    public FerryException(ErrorCategory category, String message, Throwable cause) {
        super(message, cause);
        this.category = category;
        this.reason = "";
        this.details = Map.of();
    }

    /** The same error, which says more. */
    public final FerryException with(String more) {
        FerryException said = new FerryException(category, reason, details(), getMessage() + "; " + more);
        said.initCause(this);
        return said;
    }

    public final ErrorCategory category() {
        return category;
    }

    /** Empty: nothing but the category is known. */
    public final String reason() {
        return reason;
    }

    public final Map<String, String> details() {
        return details == null ? Map.of() : details;
    }
}
