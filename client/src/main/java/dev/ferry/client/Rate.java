package dev.ferry.client;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;

/** Rates as people write them, per second: 100MB and 1GiB are bytes, 1Gbit is bits. */
final class Rate implements CommandLine.ITypeConverter<Long> {
    private static final Pattern RATE = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([kmgt]?)(i?)(b|bit|bps)?(?:/s)?");

    @Override
    public Long convert(String text) {
        Matcher m = RATE.matcher(text.trim().toLowerCase(Locale.ROOT));
        if (!m.matches()) {
            throw new CommandLine.TypeConversionException(
                    "'" + text + "' is no rate: write 100MB or 1GiB (bytes per second) or 1Gbit (bits per second)");
        }
        double base = m.group(3).isEmpty() ? 1000 : 1024;
        double unit = Math.pow(base, m.group(2).isEmpty() ? 0 : "kmgt".indexOf(m.group(2)) + 1);
        boolean bits = m.group(4) != null && m.group(4).startsWith("bit");
        return (long) (Double.parseDouble(m.group(1)) * unit / (bits ? 8 : 1));
    }
}
