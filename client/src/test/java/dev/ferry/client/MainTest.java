package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest extends CommandTest {
    private final List<String> logged = new CopyOnWriteArrayList<>();
    private final Logger root = Logger.getLogger("");

    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord event) {
            logged.add(event.getLevel() + " " + event.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @AfterEach
    void leave() {
        root.removeHandler(handler);
        Main.logging(false);
        root.setLevel(Level.INFO);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldNotSpeakOfSocketOptions(boolean isDebug) {
        Main.logging(isDebug);
        root.addHandler(handler);
        assertThat(ferry("list")).isZero();
        assertThat(logged).noneMatch(line -> line.contains("option"));
    }

    @Test
    void shouldLetTheLibrariesSpeakForDebuggingOnly() {
        Main.logging(true);
        assertThat(Logger.getLogger("io.grpc.x").isLoggable(Level.INFO)).isTrue();
        Main.logging(false);
        assertThat(Logger.getLogger("io.grpc.x").isLoggable(Level.SEVERE)).isFalse();
    }
}
