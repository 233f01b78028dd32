package dev.ferry.client;

/** A line of a terminal, never longer than it is wide. One thread. */
final class StyledLine {
    private final Style style;
    private final int columns;
    private final StringBuilder line = new StringBuilder();
    private int length;

    StyledLine(Style style, int columns) {
        this.style = style;
        this.columns = columns;
    }

    StyledLine add(String text) {
        return add("", text);
    }

    /** @param sgr of {@link Style}; empty: as the terminal writes by itself */
    StyledLine add(String sgr, String text) {
        String shown = Plain.text(text);
        int room = Math.max(0, columns - length);
        if (shown.length() > room) {
            shown = room == 0 ? "" : shown.substring(0, room - 1) + style.or("…", "~");
        }
        boolean isStyled = style.hasColour() && !sgr.isEmpty() && !shown.isEmpty();
        line.append(isStyled ? sgr : "").append(shown).append(isStyled ? Style.RESET : "");
        length += shown.length();
        return this;
    }

    /** Up to this column; at least one space. */
    StyledLine to(int column) {
        return add(" ".repeat(Math.max(1, column - length)));
    }

    /** At the right edge, if there is room. */
    StyledLine right(String sgr, String text) {
        int gap = columns - length - Plain.text(text).length();
        return gap < 1 ? this : add(" ".repeat(gap)).add(sgr, text);
    }

    @Override
    public String toString() {
        return line.toString();
    }
}
