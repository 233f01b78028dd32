package dev.ferry.daemon;

/** The configuration is wrong: {@code FILE:LINE: key: what is wrong, what is allowed}. */
final class ConfigException extends Exception {
    private static final long serialVersionUID = 1L;

    ConfigException(String message) {
        super(message);
    }
}
