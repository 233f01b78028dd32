package dev.ferry.client;

/** What others have chosen, fit for a terminal: nothing in it moves the cursor, colours or turns anything. */
final class Plain {
    private Plain() {}

    static String text(String text) {
        StringBuilder plain = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            int type = Character.getType(c);
            if (type == Character.CONTROL
                    || type == Character.FORMAT
                    || type == Character.LINE_SEPARATOR
                    || type == Character.PARAGRAPH_SEPARATOR) {
                plain = plain == null ? new StringBuilder(text) : plain;
                plain.setCharAt(i, c == '\n' || c == '\t' ? ' ' : '?');
            }
        }
        return plain == null ? text : plain.toString();
    }
}
