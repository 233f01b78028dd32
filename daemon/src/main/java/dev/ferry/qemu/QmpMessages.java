package dev.ferry.qemu;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * QMP messages out of what a socket hands over in pieces: one JSON value a line. A guest that has taken over its QEMU says what it
 * likes here, so length, depth and number of values are bounded. Of one thread.
 */
final class QmpMessages {
    /** "info mtree -f" of a guest with hundreds of devices takes a few; all else is far below 1 MiB. */
    static final int MAX_LINE_BYTES = 16 << 20;

    /** A tree takes about 60 bytes of heap for each; query-qmp-schema of QEMU 10 has some 150,000. */
    private static final int MAX_TOKENS = 1 << 19;

    private static final int MAX_DEPTH = 200;

    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxTokenCount(MAX_TOKENS)
                    .maxNestingDepth(MAX_DEPTH)
                    .build())
            .build());

    private final Consumer<JsonNode> consumer;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    QmpMessages(Consumer<JsonNode> consumer) {
        this.consumer = consumer;
    }

    /** JsonProcessingException: not JSON, or beyond the bounds; FerryException INTERNAL: an endless line. */
    void feed(byte[] chunk, int length) throws JsonProcessingException {
        int from = 0;
        for (int i = 0; i < length; i++) {
            if (chunk[i] == '\n') {
                line.write(chunk, from, i - from);
                from = i + 1;
                endOfLine();
            }
        }
        line.write(chunk, from, length - from);
        if (line.size() > MAX_LINE_BYTES) {
            throw new FerryException(
                    ErrorCategory.INTERNAL, "a QMP line of more than " + (MAX_LINE_BYTES >> 20) + " MiB");
        }
    }

    private void endOfLine() throws JsonProcessingException {
        String text = line.toString(StandardCharsets.UTF_8);
        line.reset();
        if (!text.isBlank()) {
            consumer.accept(JSON.readTree(text));
        }
    }
}
