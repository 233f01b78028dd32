package dev.ferry.client;

/**
 * A {@link Rate}, or {@code none}, which lifts a limit.
 *
 * @param bytesPerSecond 0: no limit
 */
record Limit(long bytesPerSecond) {
    /** @throws IllegalArgumentException with a message for people */
    static Limit parse(String text) {
        return text.equals("none") || text.equals("0")
                ? new Limit(0)
                : new Limit(Rate.parse(text).bytesPerSecond());
    }
}
