package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import java.util.concurrent.TimeUnit;

/** Progress on stderr: one redrawn line on a terminal, else a line a second and one for every new state. */
final class Progress {
    private static final long LINE_NS = TimeUnit.MILLISECONDS.toNanos(950);

    private final Output output;
    private MigrationState shown = MigrationState.MIGRATION_STATE_UNSPECIFIED;
    private long shownAt;
    private boolean open;

    Progress(Output output) {
        this.output = output;
    }

    synchronized void show(Migration m) {
        if (output.redraws) {
            // Without wrapping, so that the line stays one line in a narrow window.
            output.err.print("\r\033[K\033[?7l" + Text.progress(m) + "\033[?7h");
            output.err.flush();
            open = true;
        } else if (m.getState() != shown || System.nanoTime() - shownAt >= LINE_NS) {
            output.err.println(Text.progress(m));
            shownAt = System.nanoTime();
        }
        shown = m.getState();
    }

    synchronized void note(String line) {
        end();
        output.err.println(line);
    }

    /** Leaves the redrawn line as it is. */
    synchronized void end() {
        if (open) {
            output.err.println();
            open = false;
        }
    }
}
