package dev.ferry.client;

/** The daemon is away for too long; the migration goes on without us. The message is written for people. */
final class LostException extends Exception {
    private static final long serialVersionUID = 1L;

    LostException(String message, Throwable cause) {
        super(message, cause);
    }
}
