package dev.ferry.client;

import java.util.List;

/** The table of an evacuation on the whole of a terminal. */
final class EvacuationScreen implements EvacuationView {
    private final OtherScreen screen;
    private final Style style;
    private final Terminal terminal;
    private List<Evacuee> shown = List.of();
    private String message = "";
    private boolean closed;

    EvacuationScreen(OtherScreen screen, Style style, Terminal terminal) {
        this.screen = screen;
        this.style = style;
        this.terminal = terminal;
    }

    @Override
    public synchronized void show(List<Evacuee> guests) {
        if (!closed) {
            shown = guests;
            draw();
        }
    }

    @Override
    public synchronized void say(String text) {
        if (closed) {
            return;
        }
        message = text;
        if (shown.isEmpty()) {
            terminal.say(text);
        } else {
            draw();
        }
    }

    private void draw() {
        screen.draw((columns, rows) -> EvacuationFrame.of(shown, style, columns, rows, message));
    }

    @Override
    public synchronized void close() {
        screen.close();
        closed = true;
    }
}
