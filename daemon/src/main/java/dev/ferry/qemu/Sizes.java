package dev.ferry.qemu;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Memory sizes as people and QEMU write them. */
final class Sizes {
    private static final Pattern SIZE = Pattern.compile("(\\d+)\\s*([KMGT]?)(?:I?B)?", Pattern.CASE_INSENSITIVE);

    private Sizes() {}

    /** Bytes; a bare number counts in {@code bareUnit}. IllegalArgumentException for anything else. */
    static long parse(String text, long bareUnit) {
        Matcher m = SIZE.matcher(text.trim());
        if (!m.matches()) {
            throw new IllegalArgumentException("'" + text + "' is no size: write 512MiB or 4GiB");
        }
        long unit = switch (m.group(2).toUpperCase(Locale.ROOT)) {
            case "K" -> 1L << 10;
            case "M" -> 1L << 20;
            case "G" -> 1L << 30;
            case "T" -> 1L << 40;
            default -> bareUnit;
        };
        return Math.multiplyExact(Long.parseLong(m.group(1)), unit);
    }

    /** In whole MiB, or in bytes where that does not fit. */
    static String format(long bytes) {
        return bytes % (1 << 20) == 0 ? (bytes >> 20) + "MiB" : Long.toString(bytes);
    }
}
