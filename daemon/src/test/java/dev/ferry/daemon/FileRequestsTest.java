package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.migration.MigrationState;
import dev.ferry.migration.RequestLog;
import dev.ferry.migration.Side;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileRequestsTest {
    @TempDir
    Path dir;

    private static final RequestLog.Entry ENTRY = new RequestLog.Entry(
            "a request = über\\all",
            "f00",
            "00000000000000a1",
            "g1",
            "host:1",
            5,
            MigrationState.FAILED,
            Side.SOURCE,
            "because",
            "two\nlines",
            9);

    @Test
    void shouldReadWhatItWrote() {
        new FileRequests(dir.resolve("r")).write(ENTRY);
        FileRequests next = new FileRequests(dir.resolve("r"));
        assertThat(next.readAll()).containsExactly(ENTRY);
        next.remove(ENTRY.migration());
        next.remove(ENTRY.migration());
        assertThat(next.readAll()).isEmpty();
    }

    @Test
    void shouldPassOverWhatCannotBeRead() throws IOException {
        FileRequests requests = new FileRequests(dir);
        requests.write(ENTRY);
        Files.writeString(dir.resolve("x.request"), "state=PERHAPS\n");
        assertThat(requests.readAll()).containsExactly(ENTRY);
    }
}
