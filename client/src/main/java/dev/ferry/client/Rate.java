package dev.ferry.client;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How much a second: {@code 100MB} is bytes by thousands, {@code 1GiB} bytes by 1024, {@code 1Gbit} bits by thousands (an
 * eighth of a GB). Large and small letters are one, but a unit that could be either ({@code Mb}, {@code M}) is refused.
 *
 * @param bytesPerSecond at least 1
 */
record Rate(long bytesPerSecond) {
    static final String HELP = "a second, in bytes (100MB, 1GiB) or in bits (1Gbit)";

    private static final Pattern FORM = Pattern.compile("([0-9]{1,18}(?:\\.[0-9]{1,9})?) ?([A-Za-z]*)(?:/s)?");
    private static final Pattern UNIT = Pattern.compile("([KMGT]?)(I?)(B|BIT)");
    private static final String PREFIXES = "KMGT";
    private static final BigDecimal BITS_PER_BYTE = BigDecimal.valueOf(8);

    /** @throws IllegalArgumentException with a message for people */
    static Rate parse(String text) {
        Matcher parts = FORM.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException("'" + text + "' is no rate; it is a number and a unit, " + HELP);
        }
        BigDecimal bytes = new BigDecimal(parts.group(1)).multiply(unitBytes(text, parts.group(2)));
        if (bytes.compareTo(BigDecimal.ONE) < 0) {
            throw new IllegalArgumentException("'" + text + "': a limit is at least one byte a second");
        }
        if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
            throw new IllegalArgumentException("'" + text + "' is too large");
        }
        return new Rate(bytes.setScale(0, RoundingMode.FLOOR).longValueExact());
    }

    private static BigDecimal unitBytes(String text, String unit) {
        Matcher parts = UNIT.matcher(unit.toUpperCase(Locale.ROOT));
        // Everybody writes Mb for megabits, and many for megabytes.
        boolean isUnclear = unit.endsWith("b");
        if (!parts.matches()
                || isUnclear
                || (parts.group(1).isEmpty() && !parts.group(2).isEmpty())) {
            throw new IllegalArgumentException(
                    "'" + text + "': "
                            + (unit.isEmpty() ? "the unit is missing" : "'" + unit + "' is not clear")
                            + "; bytes are B kB MB GB (by 1000) or KiB MiB GiB (by 1024), bits are kbit Mbit Gbit, all a second");
        }
        int power = parts.group(1).isEmpty() ? 0 : PREFIXES.indexOf(parts.group(1)) + 1;
        BigDecimal factor =
                BigDecimal.valueOf(parts.group(2).isEmpty() ? 1000 : 1024).pow(power);
        return parts.group(3).equals("BIT") ? factor.divide(BITS_PER_BYTE) : factor;
    }
}
