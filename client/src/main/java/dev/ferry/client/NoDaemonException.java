package dev.ferry.client;

/** There is no daemon to talk to: like UNAVAILABLE. */
final class NoDaemonException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NoDaemonException(String message) {
        super(message);
    }
}
