package dev.ferry.base;

/**
 * A failure that a person may read: what was tried, on which guest, with which code, and what to do. Unchecked, because
 * nearly every operation here can meet one and only the owner of a migration decides what it means.
 */
public class FerryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorCategory category;

    public FerryException(ErrorCategory category, String message) {
        super(message);
        this.category = category;
    }

    public FerryException(ErrorCategory category, String message, Throwable cause) {
        super(message, cause);
        this.category = category;
    }

    public final ErrorCategory category() {
        return category;
    }
}
