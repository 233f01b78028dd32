package dev.ferry.client;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How large the terminal behind stderr is, looked up again twice a second: Java has neither TIOCGWINSZ nor SIGWINCH, and stty(1) is
 * in coreutils. One thread.
 */
final class TerminalSize {
    private static final int USUAL_ROWS = 24;
    private static final int USUAL_COLUMNS = 80;
    private static final long EVERY_NS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long LIMIT_MS = 500;
    private static final Pattern SIZE = Pattern.compile("(\\d{1,4}) (\\d{1,4})\\s*");

    private final LongSupplier nanoTime;
    private int rows = USUAL_ROWS;
    private int columns = USUAL_COLUMNS;
    private long lookedNs;

    TerminalSize(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        look();
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    /** @return whether it has changed */
    boolean refresh() {
        if (nanoTime.getAsLong() - lookedNs < EVERY_NS) {
            return false;
        }
        int before = rows * 10_000 + columns;
        look();
        return before != rows * 10_000 + columns;
    }

    private void look() {
        lookedNs = nanoTime.getAsLong();
        try {
            Process stty = new ProcessBuilder("stty", "size")
                    .redirectInput(new File("/proc/self/fd/2"))
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String said = new String(stty.getInputStream().readNBytes(32), StandardCharsets.US_ASCII);
            if (!stty.waitFor(LIMIT_MS, TimeUnit.MILLISECONDS)) {
                stty.destroyForcibly();
            }
            Matcher size = SIZE.matcher(said);
            // A terminal that nobody has told its size says 0 0.
            if (size.matches() && Integer.parseInt(size.group(1)) > 0 && Integer.parseInt(size.group(2)) > 0) {
                rows = Integer.parseInt(size.group(1));
                columns = Integer.parseInt(size.group(2));
            }
        } catch (IOException e) {
            return; // no stty: as large as terminals are
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
