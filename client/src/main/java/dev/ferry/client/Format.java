package dev.ferry.client;

import java.util.Locale;

/** How results are printed. */
enum Format {
    /** For people. */
    TABLE,
    /** The protocol's JSON form, one document. */
    JSON;

    /** @throws IllegalArgumentException with a message for people */
    static Format parse(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "table" -> TABLE;
            case "json" -> JSON;
            default -> throw new IllegalArgumentException("'" + text + "' is neither table nor json");
        };
    }
}
