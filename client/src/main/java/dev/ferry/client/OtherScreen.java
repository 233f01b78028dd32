package dev.ferry.client;

import java.util.List;

/**
 * The terminal's other screen (xterm's 1049), drawn again as a whole each time, so that nothing of what was there is lost and a
 * resize leaves no traces. One thread at a time.
 */
final class OtherScreen implements AutoCloseable {
    private static final String ENTER = "\033[?1049h\033[?25l\033[?7l";
    private static final String LEAVE = "\033[?7h\033[?25h\033[?1049l";
    private static final String HOME = "\033[H";
    private static final String CLEAR_REST_OF_LINE = "\033[K";
    private static final String CLEAR_BELOW = "\033[J";
    private static final String CLEAR = "\033[2J";

    private final Terminal terminal;
    private final TerminalSize size;
    private boolean isEntered;

    OtherScreen(Terminal terminal, TerminalSize size) {
        this.terminal = terminal;
        this.size = size;
    }

    /** What is drawn, for a size. */
    interface Frame {
        /** At most so many lines, none of them wider. */
        List<String> lines(int columns, int rows);
    }

    void draw(Frame frame) {
        StringBuilder text = new StringBuilder();
        boolean isResized = size.refresh();
        if (!isEntered) {
            text.append(ENTER).append(CLEAR);
            isEntered = true;
        } else if (isResized) {
            text.append(CLEAR);
        }
        text.append(HOME);
        for (String line : frame.lines(size.columns(), size.rows() - 1)) {
            text.append(line).append(CLEAR_REST_OF_LINE).append("\r\n");
        }
        text.append(CLEAR_BELOW);
        // In one piece, so that no half of it is seen.
        terminal.err().print(text);
        terminal.err().flush();
    }

    @Override
    public void close() {
        if (isEntered) {
            terminal.err().print(LEAVE);
            terminal.err().flush();
            isEntered = false;
        }
    }
}
