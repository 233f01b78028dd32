package dev.ferry.client;

import java.util.List;

/** An evacuation under way, for people, on stderr. Fed by the thread that runs it or the one that answers Ctrl-C; thread-safe. */
interface EvacuationView extends AutoCloseable {
    void show(List<Evacuee> guests);

    /** A message that stays. */
    void say(String text);

    /** Leaves the terminal as it was. Harmless twice. */
    @Override
    void close();

    /** On a terminal with room for it a live table, else lines. */
    static EvacuationView of(Terminal terminal) {
        if (terminal.isLive()) {
            TerminalSize size = new TerminalSize(System::nanoTime);
            if (size.rows() >= EvacuationFrame.LEAST_ROWS && size.columns() >= EvacuationFrame.LEAST_COLUMNS) {
                return new EvacuationScreen(
                        new OtherScreen(terminal, size), Style.of(terminal.environment()), terminal);
            }
        }
        return new EvacuationLines(terminal);
    }
}
