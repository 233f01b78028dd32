package dev.ferry.client;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;

/**
 * Writes HTML and SVG. Whatever is given as text or as an attribute's value is escaped; there is no way to write markup but by
 * its name. What cannot be seen or turns the direction of writing is replaced: names of guests are chosen by strangers. One thread.
 */
final class Html {
    private static final Set<String> VOID = Set.of("meta", "br", "hr", "link");

    private final StringBuilder out = new StringBuilder("<!DOCTYPE html>\n");
    private final Deque<String> open = new ArrayDeque<>();

    /** @param attributes name, value, name, value, ... */
    Html open(String tag, String... attributes) {
        out.append('<').append(name(tag));
        for (int i = 0; i < attributes.length; i += 2) {
            out.append(' ').append(name(attributes[i])).append("=\"");
            out.append(escaped(attributes[i + 1])).append('"');
        }
        out.append('>');
        if (!VOID.contains(tag)) {
            open.push(tag);
        }
        return this;
    }

    Html text(String text) {
        out.append(escaped(text));
        return this;
    }

    Html close() {
        out.append("</").append(open.pop()).append('>');
        if (open.size() < 4) {
            out.append('\n');
        }
        return this;
    }

    /** An element that holds only text. */
    Html leaf(String tag, String text, String... attributes) {
        return open(tag, attributes).text(text).close();
    }

    /** The page's own style sheet, the only text that is not escaped. */
    Html style(String css) {
        if (css.contains("<")) {
            throw new IllegalArgumentException("a style sheet with markup");
        }
        out.append("<style>\n").append(css).append("</style>\n");
        return this;
    }

    private static String name(String name) {
        if (!name.chars().allMatch(c -> c == '-' || Character.isLetterOrDigit(c))) {
            throw new IllegalArgumentException("a name: " + name);
        }
        return name;
    }

    static String escaped(String text) {
        StringBuilder escaped = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                case '\n', '\t' -> escaped.append(' ');
                default -> escaped.appendCodePoint(isHarmless(c) ? c : 0xFFFD);
            }
        });
        return escaped.toString();
    }

    private static boolean isHarmless(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }

    /** Everything that was opened must have been closed. */
    @Override
    public String toString() {
        if (!open.isEmpty()) {
            throw new IllegalStateException("not closed: " + open);
        }
        return out.toString();
    }
}
