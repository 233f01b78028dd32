package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.HexFormat;

/** A migration's id: a random 64-bit number on the wire, 16 hex digits for people. */
public final class MigrationIds {
    private MigrationIds() {}

    public static String text(long id) {
        return HexFormat.of().toHexDigits(id);
    }

    public static long parse(String text) {
        try {
            if (text.length() == 16) {
                return HexFormat.fromHexDigitsToLong(text);
            }
        } catch (IllegalArgumentException e) {
            // Falls through to the one message about the form.
        }
        throw new FerryException(
                ErrorCategory.NOT_FOUND, "no migration " + text + ": an id has 16 hex digits; see ferry list");
    }
}
