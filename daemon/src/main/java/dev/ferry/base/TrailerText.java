package dev.ferry.base;

/**
 * Texts that travel in HTTP/2 trailers, in the room that there is. Clients refuse more than 8 KiB of trailers (gRPC's
 * default), and what they report then is INTERNAL, not the code that was sent. grpc-message is percent-encoded: a line end
 * or a letter beyond ASCII takes three bytes and more.
 */
public final class TrailerText {
    /** " (2147483647 more characters)" and the dots. */
    private static final int NOTE_BYTES = 48;

    private TrailerText() {}

    /** Bytes of the text as grpc-message has them. */
    public static int encodedBytes(String text) {
        return text.codePoints().map(TrailerText::encodedBytes).sum();
    }

    /** Bytes of a binary header of so many bytes: base64. */
    public static int base64Bytes(int bytes) {
        return (bytes + 2) / 3 * 4;
    }

    /** The beginning of a text that is too long, and how much of it is missing. */
    public static String cut(String text, int limitBytes) {
        if (encodedBytes(text) <= limitBytes) {
            return text;
        }
        int end = 0;
        int bytes = NOTE_BYTES;
        while (end < text.length()) {
            int codePoint = text.codePointAt(end);
            bytes += encodedBytes(codePoint);
            if (bytes > limitBytes) {
                break;
            }
            end += Character.charCount(codePoint);
        }
        return text.substring(0, end) + "... (" + (text.length() - end) + " more characters)";
    }

    private static int encodedBytes(int codePoint) {
        if (codePoint < 0x80) {
            return codePoint >= ' ' && codePoint <= '~' && codePoint != '%' ? 1 : 3;
        }
        int utf8 = codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
        return 3 * utf8;
    }
}
