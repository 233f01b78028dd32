package dev.ferry.client;

import java.util.ArrayList;
import java.util.List;

/** Names and values below each other, values aligned. */
final class Fields {
    private static final int NAME_WIDTH = 15;

    private final List<String> lines = new ArrayList<>();

    Fields add(String name, String value) {
        lines.add(name + " ".repeat(Math.max(1, NAME_WIDTH - name.length())) + Plain.text(value));
        return this;
    }

    /** @return lines, each ended */
    @Override
    public String toString() {
        return String.join("\n", lines) + "\n";
    }
}
