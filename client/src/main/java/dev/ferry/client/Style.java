package dev.ferry.client;

import java.util.Locale;
import java.util.Map;

/**
 * What a terminal can show.
 *
 * @param hasColour SGR sequences
 * @param isUnicode blocks and arrows; else ASCII
 */
record Style(boolean hasColour, boolean isUnicode) {
    static final String RESET = "\033[0m";
    static final String BOLD = "\033[1m";
    static final String SOFT = "\033[2m";
    static final String RED = "\033[31m";
    static final String GREEN = "\033[32m";
    static final String YELLOW = "\033[33m";
    static final String BLUE = "\033[34m";
    static final String MAGENTA = "\033[35m";
    static final String CYAN = "\033[36m";

    private static final String BLOCKS = "▁▂▃▄▅▆▇█";
    private static final String ASCII_BLOCKS = "_.-:=+*#";

    /** NO_COLOR: see no-color.org. The character set as setlocale(3) finds it. */
    static Style of(Map<String, String> environment) {
        boolean noColour = !environment.getOrDefault("NO_COLOR", "").isEmpty();
        String locale = "";
        for (String name : new String[] {"LC_ALL", "LC_CTYPE", "LANG"}) {
            if (locale.isEmpty()) {
                locale = environment.getOrDefault(name, "");
            }
        }
        String charset = locale.toUpperCase(Locale.ROOT).replace("-", "");
        return new Style(!noColour, charset.contains("UTF8"));
    }

    String blocks() {
        return isUnicode ? BLOCKS : ASCII_BLOCKS;
    }

    String or(String unicode, String ascii) {
        return isUnicode ? unicode : ascii;
    }
}
