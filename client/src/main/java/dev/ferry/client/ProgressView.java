package dev.ferry.client;

import dev.ferry.v1.Migration;

/** Where a wait shows how far a migration is. Closed by the waiting thread or by the one that answers Ctrl-C; thread-safe. */
interface ProgressView extends AutoCloseable {
    void show(Migration m);

    /** A message that stays. */
    void say(String text);

    /** Leaves the terminal as it was. Harmless twice. */
    @Override
    void close();

    /** On a terminal with room for it a live view, else lines. */
    static ProgressView of(Terminal terminal) {
        if (!terminal.isLive()) {
            return new Progress(terminal, System::nanoTime);
        }
        TerminalSize size = new TerminalSize(System::nanoTime);
        return size.rows() < WatchFrame.LEAST_ROWS || size.columns() < WatchFrame.LEAST_COLUMNS
                ? new Progress(terminal, System::nanoTime)
                : new LiveView(terminal, size, Style.of(terminal.environment()));
    }
}
