package dev.ferry.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Reads a guest's serial file as it grows, in a thread of its own, and stamps each line with the time at which it was seen. It
 * keeps the file open, so that the last lines are read also when the guest's directory is removed.
 */
final class SerialTail implements AutoCloseable {
    private static final int POLL_MS = 2;
    /** A guest that finds wrong bytes says so without end. */
    private static final int MOST_LINES = 50_000;

    private static final Pattern DAMAGE = Pattern.compile("^(BAD|PANIC)");

    private final FileChannel file;
    private final List<Line> lines = new ArrayList<>();
    private final Thread reader;
    private volatile boolean closed;

    /** @param atMs {@link Wall} time */
    record Line(String text, double atMs) {}

    SerialTail(Path path) throws IOException {
        file = FileChannel.open(path, StandardOpenOption.READ);
        reader = new Thread(this::read, "serial " + path.getParent().getFileName());
        reader.setDaemon(true);
        reader.start();
    }

    /** How many lines there are: where the next one will be. */
    int size() {
        synchronized (lines) {
            return lines.size();
        }
    }

    List<Line> from(int first) {
        synchronized (lines) {
            return List.copyOf(lines.subList(first, lines.size()));
        }
    }

    /** Waits for a line from this index on in which the pattern is found; returns it. Throws when the guest found damage. */
    String await(int first, int seconds, String regex) throws Exception {
        Pattern pattern = Pattern.compile(regex);
        Wall.await("the guest says " + regex, seconds, POLL_MS, () -> {
            checkSound();
            return find(first, pattern).isPresent();
        });
        return find(first, pattern).orElseThrow();
    }

    void checkSound() {
        find(0, DAMAGE).ifPresent(line -> {
            throw new DamageException("the guest found wrong bytes: " + line);
        });
    }

    private Optional<String> find(int first, Pattern pattern) {
        return from(first).stream()
                .map(Line::text)
                .filter(text -> pattern.matcher(text).find())
                .findFirst();
    }

    private void read() {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        StringBuilder rest = new StringBuilder();
        try {
            while (!closed) {
                buffer.clear();
                int n = file.read(buffer);
                if (n > 0) {
                    take(rest.append(new String(buffer.array(), 0, n, StandardCharsets.US_ASCII)));
                } else {
                    Thread.sleep(POLL_MS);
                }
            }
        } catch (IOException e) {
            if (!closed) {
                throw new BenchException("reading the serial file", e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void take(StringBuilder text) {
        double now = Wall.nowMs();
        synchronized (lines) {
            for (int end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
                if (lines.size() < MOST_LINES) {
                    lines.add(new Line(text.substring(0, end).strip(), now));
                }
                text.delete(0, end + 1);
            }
        }
    }

    @Override
    public void close() throws IOException {
        closed = true;
        reader.interrupt();
        try {
            reader.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        file.close();
    }
}
