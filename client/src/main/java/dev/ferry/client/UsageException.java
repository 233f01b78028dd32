package dev.ferry.client;

/** What was asked for makes no sense, seen before a daemon was asked. The message is written for people. */
final class UsageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UsageException(String message, Throwable cause) {
        super(message, cause);
    }
}
