package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RuntimeDirectoryTest {
    @Test
    void shouldBelongToOneDaemonAtATime(@TempDir Path dir) throws IOException {
        Path runtime = dir.resolve("a/b");
        try (RuntimeDirectory held = RuntimeDirectory.take(runtime)) {
            assertThatThrownBy(() -> RuntimeDirectory.take(runtime))
                    .hasMessageContaining(
                            "another ferryd (process " + ProcessHandle.current().pid() + ")")
                    .hasMessageContaining(runtime.toString());
        }
        RuntimeDirectory.take(runtime).close();
    }
}
