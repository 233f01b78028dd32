package dev.ferry.client;

import dev.ferry.v1.Migration;

/**
 * A migration under way on the whole of a terminal, drawn again with each word from ferryd. Drawn by the waiting thread, closed by
 * it or by the one that answers Ctrl-C.
 */
final class LiveView implements ProgressView {
    private static final String HINT = "Ctrl-C leaves; the migration goes on.";

    private final Terminal terminal;
    private final OtherScreen screen;
    private final Style style;
    private final WatchHistory history = new WatchHistory();
    private String message = "";
    private Migration shown;
    private boolean closed;

    LiveView(Terminal terminal, TerminalSize size, Style style) {
        this.terminal = terminal;
        this.screen = new OtherScreen(terminal, size);
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
        screen.draw((columns, rows) -> WatchFrame.of(shown, history, style, columns, rows, message, HINT));
    }

    @Override
    public synchronized void close() {
        screen.close();
        closed = true;
    }
}
