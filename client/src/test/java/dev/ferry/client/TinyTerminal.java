package dev.ferry.client;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** As much of a terminal as ferry uses; whatever else is written to it is an error. */
final class TinyTerminal {
    private static final Pattern SEQUENCE = Pattern.compile("\033\\[([?]?)([0-9;]*)([A-Za-z])");

    private final int columns;
    private char[][] cells;
    private char[][] main;
    private int mainRow;
    private int row;
    private int column;
    private int colours;
    boolean isCursorShown = true;
    boolean wraps = true;

    TinyTerminal(int rows, int columns) {
        this.columns = columns;
        this.cells = blank(rows, columns);
    }

    private static char[][] blank(int rows, int columns) {
        char[][] cells = new char[rows][columns];
        for (char[] line : cells) {
            Arrays.fill(line, ' ');
        }
        return cells;
    }

    TinyTerminal write(String text) {
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c == '\033') {
                Matcher m = SEQUENCE.matcher(text).region(i, text.length());
                if (!m.lookingAt()) {
                    throw new IllegalStateException(
                            "an unknown sequence: " + text.substring(i, Math.min(i + 12, text.length())));
                }
                sequence(m.group(1) + m.group(2) + m.group(3));
                i = m.end();
                continue;
            }
            put(c);
            i++;
        }
        return this;
    }

    private void put(char c) {
        if (c == '\r') {
            column = 0;
        } else if (c == '\n') {
            if (row == cells.length - 1) {
                char[] first = cells[0];
                System.arraycopy(cells, 1, cells, 0, cells.length - 1);
                Arrays.fill(first, ' ');
                cells[cells.length - 1] = first;
            } else {
                row++;
            }
        } else if (c < ' ') {
            throw new IllegalStateException("an unknown control character: " + (int) c);
        } else {
            if (column == columns && wraps) {
                put('\r');
                put('\n');
            }
            cells[row][Math.min(column, columns - 1)] = c;
            column = Math.min(columns, column + 1);
        }
    }

    private void sequence(String s) {
        switch (s) {
            case "?1049h" -> {
                main = cells;
                mainRow = row;
                cells = blank(main.length, columns);
                row = 0;
            }
            case "?1049l" -> {
                cells = main;
                main = null;
                row = mainRow;
                column = 0;
            }
            case "?25h" -> isCursorShown = true;
            case "?25l" -> isCursorShown = false;
            case "?7h" -> wraps = true;
            case "?7l" -> wraps = false;
            case "H" -> {
                row = 0;
                column = 0;
            }
            case "K" -> Arrays.fill(cells[row], Math.min(column, columns - 1), columns, ' ');
            case "J" -> {
                sequence("K");
                for (int r = row + 1; r < cells.length; r++) {
                    Arrays.fill(cells[r], ' ');
                }
            }
            case "2J" -> cells = blank(cells.length, columns);
            default -> {
                if (!s.matches("[0-9]*m")) {
                    throw new IllegalStateException("an unknown sequence: " + s);
                }
                colours += s.equals("0m") ? 0 : 1;
            }
        }
    }

    boolean isOnOtherScreen() {
        return main != null;
    }

    int colours() {
        return colours;
    }

    String text() {
        List<String> lines = new ArrayList<>();
        for (char[] line : cells) {
            lines.add(new String(line).stripTrailing());
        }
        return String.join("\n", lines).stripTrailing();
    }
}
