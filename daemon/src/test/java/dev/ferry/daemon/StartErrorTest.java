package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.junit.jupiter.api.Test;

class StartErrorTest {
    @Test
    void shouldSayInWordsWhatIsWrongWithAFile() {
        assertThat(StartError.text(new NoSuchFileException("/x"))).isEqualTo("/x: no such file");
        assertThat(StartError.text(new AccessDeniedException("/x"))).isEqualTo("/x: permission denied");
        assertThat(StartError.text(new NotDirectoryException("/x"))).isEqualTo("/x: NotDirectoryException");
        assertThat(StartError.text(new FileSystemException("/x", null, "No space left on device")))
                .isEqualTo("/x: No space left on device");
    }

    @Test
    void shouldSayEachPartOnceAndOnOneLine() {
        IOException cause = new IOException("second\n  line");
        assertThat(StartError.text(new IOException("first", new IOException("first", cause))))
                .isEqualTo("first: second | line");
        assertThat(StartError.text(new IllegalStateException())).isEqualTo("IllegalStateException");
    }
}
