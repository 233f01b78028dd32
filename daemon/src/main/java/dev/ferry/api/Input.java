package dev.ferry.api;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a caller may say. Everything else is INVALID_ARGUMENT with the field's name, what was said and what is allowed. */
final class Input {
    private static final int REQUEST_ID_CHARS = 128;
    private static final int MOST_ADDRESSES = 4;
    private static final int SHOWN_CHARS = 80;
    private static final Pattern GUEST = Pattern.compile("[A-Za-z0-9._-]{1,64}");
    private static final Pattern ID = Pattern.compile("[0-9a-f]{16}");
    private static final Pattern PEER =
            Pattern.compile("(?:[A-Za-z0-9._-]{1,253}|\\[[0-9A-Fa-f:.]{2,45}]):([0-9]{1,5})");

    private Input() {}

    static String guest(String field, String name) {
        // Guests have a directory of their name: the two names that every directory has are no guests.
        if (!GUEST.matcher(name).matches() || ".".equals(name) || "..".equals(name)) {
            throw ApiStatus.invalid(field + ": " + shown(name) + " is no guest name: 1 to 64 of A-Z a-z 0-9 . _ -");
        }
        return name;
    }

    static String migration(String id) {
        if (!ID.matcher(id).matches()) {
            throw ApiStatus.invalid("id: " + shown(id) + " is no migration: 16 hex digits, as ferry list shows them");
        }
        return id;
    }

    static String peer(String to) {
        String[] addresses = to.split(",", -1);
        if (addresses.length > MOST_ADDRESSES) {
            throw ApiStatus.invalid("to: " + addresses.length + " addresses, at most " + MOST_ADDRESSES);
        }
        for (String address : addresses) {
            Matcher m = PEER.matcher(address);
            if (!m.matches() || Integer.parseInt(m.group(1)) < 1 || Integer.parseInt(m.group(1)) > 65_535) {
                throw ApiStatus.invalid("to: " + shown(address)
                        + " is no peer address: HOST:PORT or [IPV6]:PORT, what the destination's ferryd listens on;"
                        + " several addresses of the same ferryd with commas between");
            }
        }
        return to;
    }

    static String requestId(String id) {
        if (id.length() > REQUEST_ID_CHARS) {
            throw ApiStatus.invalid("request_id: " + id.length() + " characters, at most " + REQUEST_ID_CHARS);
        }
        // One line in journals and logs.
        if (id.chars().anyMatch(Character::isISOControl)) {
            throw ApiStatus.invalid("request_id: contains control characters");
        }
        return id;
    }

    /** Of a reservation, where one is said. */
    static String reservation(String id) {
        if (!id.isEmpty() && !ID.matcher(id).matches()) {
            throw ApiStatus.invalid(
                    "reservation_id: " + shown(id) + " is no reservation: 16 hex digits, as Reserve returns them");
        }
        return id;
    }

    /** 0 is the default. */
    static long between(String field, long said, long byDefault, long most) {
        if (notNegative(field, said) > most) {
            throw ApiStatus.invalid(field + ": " + said + ", allowed is 1 to " + most + ", or 0 for " + byDefault);
        }
        return said == 0 ? byDefault : said;
    }

    /** A uint64 or uint32 of the protocol: what Java sees as negative is too large to mean anything. */
    static long notNegative(String field, long value) {
        if (value < 0) {
            throw ApiStatus.invalid(field + ": " + Long.toUnsignedString(value) + " is out of range");
        }
        return value;
    }

    static String required(String field, String value) {
        if (value.isEmpty()) {
            throw ApiStatus.invalid(field + ": missing");
        }
        return value;
    }

    /** A file of the daemon's host: its working directory is not the caller's. */
    static String absolutePath(String field, String path) {
        if (!path.startsWith("/") || path.chars().anyMatch(Character::isISOControl)) {
            throw ApiStatus.invalid(field + ": " + shown(path)
                    + " is no absolute path: say where it is on ferryd's host, for example /run/guest/qmp.sock");
        }
        return path;
    }

    private static String shown(String said) {
        if (said.isEmpty()) {
            return "nothing";
        }
        String line = said.replaceAll("\\p{Cntrl}", "?");
        return "\"" + (line.length() <= SHOWN_CHARS ? line : line.substring(0, SHOWN_CHARS) + "…") + "\"";
    }
}
