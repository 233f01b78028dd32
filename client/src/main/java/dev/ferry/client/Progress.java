package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import java.util.function.LongSupplier;

/**
 * Progress on stderr. On a terminal one line is drawn again and again, and is gone in the end; elsewhere there is a line
 * once a second and at each new state, and what it waits for when that changes. Fed by the waiting thread, closed by it or by the one that answers Ctrl-C.
 */
final class Progress implements ProgressView {
    /** A second, less what the daemon's interval may be early. */
    private static final long LINE_EVERY_NS = 950_000_000L;

    /** ECMA-48 and xterm: without wrapping, a line wider than the terminal is cut by the terminal, which knows its width. */
    private static final String NO_WRAP = "\033[?7l";

    private static final String WRAP = "\033[?7h";
    private static final String CLEAR_LINE = "\r\033[K";

    private final Terminal terminal;
    private final LongSupplier nanoTime;
    private MigrationState shown = MigrationState.MIGRATION_STATE_UNSPECIFIED;
    private String reason = "";
    private long lineNs;
    private boolean isDrawn;
    private boolean closed;

    Progress(Terminal terminal, LongSupplier nanoTime) {
        this.terminal = terminal;
        this.nanoTime = nanoTime;
    }

    @Override
    public synchronized void show(Migration m) {
        if (closed) {
            return;
        }
        if (terminal.isLive()) {
            terminal.err().print(CLEAR_LINE + NO_WRAP + ProgressLine.of(m) + WRAP);
            terminal.err().flush();
            isDrawn = true;
            return;
        }
        long nowNs = nanoTime.getAsLong();
        if (m.getState() != shown || nowNs - lineNs >= LINE_EVERY_NS) {
            terminal.err().println(ProgressLine.of(m));
            lineNs = nowNs;
        }
        if (m.getState() == shown && !m.getReason().equals(reason)) {
            terminal.say(m.getReason());
        }
        shown = m.getState();
        reason = m.getReason();
    }

    @Override
    public synchronized void say(String text) {
        if (!closed) {
            clear();
            terminal.say(text);
        }
    }

    @Override
    public synchronized void close() {
        clear();
        closed = true;
    }

    private void clear() {
        if (isDrawn) {
            terminal.err().print(CLEAR_LINE);
            terminal.err().flush();
            isDrawn = false;
        }
    }
}
