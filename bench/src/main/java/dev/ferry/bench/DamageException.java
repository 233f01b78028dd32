package dev.ferry.bench;

/** The guest found bytes that it had not written; the message is its own line. */
final class DamageException extends RuntimeException {
    private static final long serialVersionUID = 1;

    DamageException(String line) {
        super("the guest found wrong bytes: " + line);
    }
}
