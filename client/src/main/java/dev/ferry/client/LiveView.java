package dev.ferry.client;

import dev.ferry.v1.Migration;
import java.util.List;

/**
 * A migration under way on the whole of a terminal, drawn again with each word from ferryd. It has the terminal's other screen
 * (xterm's 1049), so that nothing of what was there is lost and a resize leaves no traces. Drawn by the waiting thread, closed by it
 * or by the one that answers Ctrl-C.
 */
final class LiveView implements ProgressView {
    private static final String ENTER = "\033[?1049h\033[?25l\033[?7l";
    private static final String LEAVE = "\033[?7h\033[?25h\033[?1049l";
    private static final String HOME = "\033[H";
    private static final String CLEAR_REST_OF_LINE = "\033[K";
    private static final String CLEAR_BELOW = "\033[J";
    private static final String CLEAR = "\033[2J";
    private static final String HINT = "Ctrl-C leaves; the migration goes on.";

    private final Terminal terminal;
    private final TerminalSize size;
    private final Style style;
    private final WatchHistory history = new WatchHistory();
    private String message = "";
    private Migration shown;
    private boolean hasScreen;
    private boolean closed;

    LiveView(Terminal terminal, TerminalSize size, Style style) {
        this.terminal = terminal;
        this.size = size;
        this.style = style;
    }

    @Override
    public synchronized void show(Migration m) {
        if (closed) {
            return;
        }
        history.add(m);
        shown = m;
        draw();
    }

    @Override
    public synchronized void say(String text) {
        if (closed) {
            return;
        }
        message = text;
        if (shown == null) {
            terminal.say(text);
        } else {
            draw();
        }
    }

    private void draw() {
        StringBuilder frame = new StringBuilder();
        boolean isResized = size.refresh();
        if (!hasScreen) {
            frame.append(ENTER).append(CLEAR);
            hasScreen = true;
        } else if (isResized) {
            frame.append(CLEAR);
        }
        frame.append(HOME);
        List<String> lines = WatchFrame.of(shown, history, style, size.columns(), size.rows() - 1, message, HINT);
        for (String line : lines) {
            frame.append(line).append(CLEAR_REST_OF_LINE).append("\r\n");
        }
        frame.append(CLEAR_BELOW);
        // In one piece, so that no half of it is seen.
        terminal.err().print(frame);
        terminal.err().flush();
    }

    @Override
    public synchronized void close() {
        if (hasScreen) {
            terminal.err().print(LEAVE);
            terminal.err().flush();
            hasScreen = false;
        }
        closed = true;
    }
}
