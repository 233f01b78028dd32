package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.regex.Pattern;

/** Guest names are parts of paths. */
final class GuestNames {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");

    private GuestNames() {}

    static void check(String name) {
        if (name == null || !NAME.matcher(name).matches() || name.equals(".") || name.equals("..")) {
            throw new FerryException(
                    ErrorCategory.INVALID_ARGUMENT,
                    "guest name '" + name + "': use 1 to 64 letters, digits, dots, dashes and underscores");
        }
    }
}
