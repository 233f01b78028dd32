package dev.ferry.daemon;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * On which line of a TOML file a key is, because the parser forgets it. Only for error messages: it knows tables, dotted
 * and quoted keys, and takes a multi-line string for what it looks like.
 */
final class KeyLines {
    private static final Pattern TABLE = Pattern.compile("\\s*\\[([^\\[\\]]+)]\\s*(?:#.*)?");
    private static final Pattern KEY = Pattern.compile(
            "\\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\\s*\\.\\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\\s*=.*");

    /** The patterns take stack for every part of a key. */
    private static final int MAX_LINE_CHARACTERS = 500;

    private final Map<String, Integer> lines = new HashMap<>();

    KeyLines(String toml) {
        String table = "";
        int number = 0;
        for (String whole : toml.split("\n", -1)) {
            number++;
            // What matters is in front of the value.
            String line = whole.length() > MAX_LINE_CHARACTERS ? whole.substring(0, MAX_LINE_CHARACTERS) : whole;
            Matcher m = TABLE.matcher(line.stripTrailing());
            if (m.matches()) {
                table = plain(m.group(1)) + ".";
                lines.putIfAbsent(table.substring(0, table.length() - 1), number);
                continue;
            }
            m = KEY.matcher(line.stripTrailing());
            if (m.matches()) {
                lines.putIfAbsent(table + plain(m.group(1)), number);
            }
        }
    }

    /** Of the key, or of the nearest table around it; 1 if there is none. */
    int of(String key) {
        for (String k = key; !k.isEmpty(); k = k.contains(".") ? k.substring(0, k.lastIndexOf('.')) : "") {
            Integer line = lines.get(k);
            if (line != null) {
                return line;
            }
        }
        return 1;
    }

    private static String plain(String key) {
        return key.replaceAll("[\"'\\s]", "");
    }
}
