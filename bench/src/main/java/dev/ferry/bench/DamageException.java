package dev.ferry.bench;

/** The guest found bytes that it had not written, or is not alive any more. */
final class DamageException extends RuntimeException {
    private static final long serialVersionUID = 1;

    DamageException(String message) {
        super(message);
    }
}
