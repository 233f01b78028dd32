package dev.ferry.client;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Results to stdout, progress and errors to stderr; UTF-8 in every locale. */
final class Output {
    final PrintStream out;
    final PrintStream err;
    /** A person looks at stderr: progress is redrawn in place. */
    final boolean redraws;

    Output(PrintStream out, PrintStream err, boolean redraws) {
        this.out = out;
        this.err = err;
        this.redraws = redraws;
    }

    static Output ofProcess() {
        return new Output(utf8(FileDescriptor.out), utf8(FileDescriptor.err), terminalOnStderr());
    }

    private static PrintStream utf8(FileDescriptor fd) {
        return new PrintStream(new FileOutputStream(fd), true, StandardCharsets.UTF_8);
    }

    // System.console() asks about stdin and stdout; here stderr counts, also under "ferry migrate --wait | jq".
    private static boolean terminalOnStderr() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    /** The message's JSON form, fields without a value included. */
    void json(MessageOrBuilder message) {
        try {
            out.println(JsonFormat.printer().alwaysPrintFieldsWithNoPresence().print(message));
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Left-aligned columns. */
    void table(List<String> head, List<List<String>> rows) {
        int[] width = head.stream().mapToInt(String::length).toArray();
        for (List<String> row : rows) {
            for (int i = 0; i < width.length; i++) {
                width[i] = Math.max(width[i], row.get(i).length());
            }
        }
        row(head, width);
        rows.forEach(r -> row(r, width));
    }

    private void row(List<String> cells, int[] width) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < width.length; i++) {
            line.append(cells.get(i));
            if (i + 1 < width.length) {
                line.append(" ".repeat(width[i] - cells.get(i).length() + 2));
            }
        }
        out.println(line);
    }
}
