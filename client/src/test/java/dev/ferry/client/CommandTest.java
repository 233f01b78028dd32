package dev.ferry.client;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole command line against a FakeFerryd. */
@Timeout(30)
abstract class CommandTest {
    @TempDir
    Path dir;

    Screen screen = new Screen();
    FakeFerryd ferryd;

    @BeforeEach
    void startFerryd() throws Exception {
        ferryd = new FakeFerryd(dir.resolve("s"));
    }

    @AfterEach
    void stopFerryd() throws Exception {
        ferryd.close();
    }

    /** With the endpoint from the environment. */
    int ferry(String... args) {
        return ferry(Patience.USUAL, args);
    }

    int ferry(Patience patience, String... args) {
        screen = new Screen();
        return Ferry.execute(screen.terminal(false, Map.of("FERRY_ENDPOINT", ferryd.endpoint())), patience, args);
    }

    int ferryWithout(Map<String, String> environment, String... args) {
        screen = new Screen();
        return Ferry.execute(screen.terminal(false, environment), args);
    }
}
