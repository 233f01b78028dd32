package dev.ferry.system;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What both copies of a guest have said on their serial ports, also when their files are gone: never do both run. The guest counts
 * its reports, which are part of its memory: what ran at the destination counted on from where the source had stopped.
 */
final class Witness implements AutoCloseable {
    private static final Pattern TICK = Pattern.compile("TICK n=(\\d+)");

    private final FileChannel source;
    private final Path destinationFile;
    private FileChannel destination;

    Witness(Path sourceFile, Path destinationFile) throws IOException {
        this.source = FileChannel.open(sourceFile, StandardOpenOption.READ);
        this.destinationFile = destinationFile;
    }

    /** While the destination's file may be there. */
    void look() throws IOException {
        if (destination == null && Files.exists(destinationFile)) {
            destination = FileChannel.open(destinationFile, StandardOpenOption.READ);
        }
    }

    void requireNothingAtTheDestination() throws IOException {
        String text = read(destination);
        if (!text.isEmpty()) {
            throw new AssertionError("the guest ran at the destination, and runs on the source: " + text);
        }
    }

    void requireOneAfterTheOther(Verdict verdict, Path now) throws IOException {
        if (verdict != Verdict.MOVED) {
            return;
        }
        List<Long> before = ticks(read(source));
        List<Long> after = ticks(Files.readString(now));
        if (!before.isEmpty() && !after.isEmpty() && before.get(before.size() - 1) >= after.get(0)) {
            throw new AssertionError("two ran: the source counted to " + before.get(before.size() - 1)
                    + ", the destination from " + after.get(0));
        }
    }

    String serials() throws IOException {
        return read(source) + read(destination);
    }

    private static List<Long> ticks(String text) {
        List<Long> all = new ArrayList<>();
        Matcher m = TICK.matcher(text);
        while (m.find()) {
            all.add(Long.parseLong(m.group(1)));
        }
        return all;
    }

    private static String read(FileChannel file) throws IOException {
        if (file == null) {
            return "";
        }
        ByteBuffer all = ByteBuffer.allocate((int) file.size());
        while (all.hasRemaining() && file.read(all, all.position()) > 0) {}
        return new String(all.array(), 0, all.position(), StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        source.close();
        if (destination != null) {
            destination.close();
        }
    }
}
