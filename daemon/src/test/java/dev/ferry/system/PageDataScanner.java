package dev.ferry.system;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds what the verifying guest writes into its pages, eight bytes of it, in any file: as it is, in hexadecimal, or escaped as protobuf does it. */
final class PageDataScanner {
    private static final Pattern HEXADECIMAL = Pattern.compile("[0-9a-f]{16,}");
    private static final Pattern ESCAPE = Pattern.compile("\\\\([0-7]{3})");

    private static final int TABLE_WORDS = 66_560;

    private final Set<Long> content = new HashSet<>();

    PageDataScanner() {
        for (int i = 0; i + 1 < TABLE_WORDS; i++) {
            content.add(Integer.toUnsignedLong(VerifyFormat.tableWord(i))
                    | (long) VerifyFormat.tableWord(i + 1) << Integer.SIZE);
        }
    }

    boolean hasPageData(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        if (isIn(bytes)) {
            return true;
        }
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        // Words and dates may stand before it: from the first digit on, or from the second.
        Matcher hexadecimal = HEXADECIMAL.matcher(text.toLowerCase(Locale.ROOT).replaceAll("[ :]", ""));
        while (hexadecimal.find()) {
            String digits = hexadecimal.group();
            if (isIn(decoded(digits)) || isIn(decoded(digits.substring(1)))) {
                return true;
            }
        }
        return text.contains("\\")
                && isIn(ESCAPE.matcher(text)
                        .replaceAll(m -> Matcher.quoteReplacement(
                                String.valueOf((char) Integer.parseInt(m.group(1), Byte.SIZE))))
                        .getBytes(StandardCharsets.ISO_8859_1));
    }

    private static byte[] decoded(String hexadecimal) {
        byte[] bytes = new byte[hexadecimal.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(hexadecimal, 2 * i, 2 * i + 2, 16);
        }
        return bytes;
    }

    private boolean isIn(byte[] bytes) {
        long window = 0;
        for (int i = 0; i < bytes.length; i++) {
            window = window >>> Byte.SIZE | (long) bytes[i] << (Long.SIZE - Byte.SIZE);
            if (i >= Long.BYTES - 1 && content.contains(window)) {
                return true;
            }
        }
        return false;
    }
}
