package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryLockTest {
    @Test
    void shouldBelongToOneDaemonAtATime(@TempDir Path dir) throws IOException {
        Path own = dir.resolve("a/b");
        try (DirectoryLock held = DirectoryLock.take("state_dir", own)) {
            assertThatThrownBy(() -> DirectoryLock.take("state_dir", own))
                    .hasMessage(own + ": another ferryd (process "
                            + ProcessHandle.current().pid() + ") uses this state_dir");
        }
        DirectoryLock.take("state_dir", own).close();
    }
}
