package dev.ferry.client;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;

/** Rates as people write them, per second: 100MB and 1GiB are bytes, 1Gbit and 1Gbps are bits. */
final class Rate implements CommandLine.ITypeConverter<Long> {
    // A lone small b is refused: half of the readers mean bits by it.
    private static final Pattern RATE =
            Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*(?:([kKmMgGtT])(i?))?(B|[bB]it|bps)?(?:/s)?");

    @Override
    public Long convert(String text) {
        Matcher m = RATE.matcher(text.trim());
        if (!m.matches()) {
            throw new CommandLine.TypeConversionException(
                    "'" + text + "' is no rate: write 100MB or 1GiB (bytes per second) or 1Gbit (bits per second)");
        }
        int power = m.group(2) == null ? 0 : "kmgt".indexOf(m.group(2).toLowerCase(Locale.ROOT)) + 1;
        int base = m.group(3) == null || m.group(3).isEmpty() ? 1000 : 1024;
        boolean bits = m.group(4) != null && !m.group(4).equals("B");
        BigDecimal given = new BigDecimal(m.group(1));
        BigDecimal bytes = given.multiply(BigDecimal.valueOf(base).pow(power))
                .divide(BigDecimal.valueOf(bits ? 8 : 1), 0, RoundingMode.DOWN);
        // Zero means unlimited; a rate that is only too small must not become that.
        if (bytes.toBigInteger().bitLength() >= Long.SIZE || (bytes.signum() == 0 && given.signum() != 0)) {
            throw new CommandLine.TypeConversionException("'" + text + "': from 1 byte per second to 9 EB per second");
        }
        return bytes.longValueExact();
    }
}
