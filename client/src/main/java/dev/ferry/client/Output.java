package dev.ferry.client;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import java.io.PrintStream;
import java.util.List;

/** Results to stdout, progress and errors to stderr. */
final class Output {
    final PrintStream out;
    final PrintStream err;

    Output(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
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
