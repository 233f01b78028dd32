package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Migration;
import io.grpc.stub.StreamObserver;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** {@code ferry watch} as a process on a real terminal: a pseudo-terminal that script(1) holds. */
class LiveViewTest extends CommandTest {
    private static final Migration RECOVERING = Samples.postcopy().toBuilder()
            .setState(dev.ferry.v1.MigrationState.RECOVERING)
            .setReason("the destination is away")
            .build();

    private Process script;

    /** @return what is written to the terminal, as it grows */
    private Path watch(int rows, int columns, Map<String, String> environment) throws Exception {
        Path written = dir.resolve("written");
        List<String> java = List.of(
                "env",
                "--default-signal=INT",
                ProcessHandle.current().info().command().orElseThrow(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "--endpoint",
                ferryd.endpoint(),
                "watch",
                Samples.ID);
        List<String> quoted = new ArrayList<>();
        java.forEach(word -> quoted.add("'" + word + "'"));
        String command = "tty > " + dir + "/tty; stty rows " + rows + " cols " + columns + "; echo before; exec "
                + String.join(" ", quoted);
        ProcessBuilder builder = new ProcessBuilder("script", "-q", "-e", "-f", "-c", command, written.toString())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectErrorStream(true);
        builder.environment().keySet().removeAll(List.of("NO_COLOR", "LC_ALL", "LC_CTYPE"));
        builder.environment().putAll(Map.of("TERM", "xterm-256color", "LANG", "C.UTF-8", "SHELL", "/bin/sh"));
        builder.environment().putAll(environment);
        script = builder.start();
        return written;
    }

    @AfterEach
    void end() throws Exception {
        if (script != null) {
            List<ProcessHandle> all = script.descendants().toList();
            script.destroyForcibly().waitFor();
            all.forEach(ProcessHandle::destroyForcibly);
        }
    }

    private static String read(Path written) throws Exception {
        if (!Files.exists(written)) {
            return "";
        }
        String all = new String(Files.readAllBytes(written), StandardCharsets.UTF_8);
        // script's own first and last lines.
        all = all.startsWith("Script started") ? all.substring(all.indexOf('\n') + 1) : all;
        int end = all.indexOf("\nScript done");
        return end < 0 ? all : all.substring(0, end);
    }

    private void await(Path written, String text) {
        Awaitility.await()
                .atMost(20, TimeUnit.SECONDS)
                .until(() -> read(written).contains(text));
    }

    @Test
    void shouldShowItOnTheOtherScreenAndLeaveTheTerminalAsItWas() throws Exception {
        List<StreamObserver<Migration>> watchers = new ArrayList<>();
        ferryd.watch = observer -> {
            observer.onNext(Samples.precopy());
            observer.onNext(RECOVERING);
            synchronized (watchers) {
                watchers.add(observer);
            }
        };
        Path written = watch(30, 90, Map.of());
        await(written, "the destination is away");
        TinyTerminal during = new TinyTerminal(30, 90).write(read(written));
        assertThat(during.isOnOtherScreen()).isTrue();
        assertThat(during.isCursorShown).isFalse();
        assertThat(during.colours()).isPositive();
        assertThat(during.text())
                .startsWith(" web1  → 10.0.0.2:7420")
                .contains("● Recovering", "Waits for  the destination is away", "Ctrl-C leaves")
                .doesNotContain("before");
        watchers.get(0).onNext(Samples.completed());
        watchers.get(0).onCompleted();
        assertThat(script.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(script.exitValue()).isZero();
        TinyTerminal after = new TinyTerminal(30, 90).write(read(written));
        assertThat(after.isOnOtherScreen()).isFalse();
        assertThat(after.isCursorShown).isTrue();
        assertThat(after.wraps).isTrue();
        assertThat(after.text())
                .startsWith("before\nmigration      4f2a9c0e1b7d3355\n")
                .contains("COMPLETED");
    }

    @Test
    void shouldRestoreTheTerminalOnCtrlC() throws Exception {
        ferryd.watch = observer -> observer.onNext(Samples.precopy());
        Path written = watch(30, 90, Map.of());
        await(written, "Ctrl-C leaves");
        try (OutputStream keyboard = script.getOutputStream()) {
            keyboard.write(3);
            keyboard.flush();
            assertThat(script.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(script.exitValue()).isEqualTo(130);
        TinyTerminal after = new TinyTerminal(30, 90).write(read(written).replace("^C", ""));
        assertThat(after.isOnOtherScreen()).isFalse();
        assertThat(after.isCursorShown).isTrue();
        assertThat(after.text()).startsWith("before\nferry: migration " + Samples.ID + " goes on.");
    }

    @Test
    void shouldFollowAResize() throws Exception {
        Migration wordy = RECOVERING.toBuilder().setReason("word ".repeat(30)).build();
        ferryd.watch = observer -> new Thread(() -> {
                    for (int i = 0; i < 300 && script.isAlive(); i++) {
                        observer.onNext(wordy);
                        try {
                            Thread.sleep(50);
                        } catch (InterruptedException e) {
                            return;
                        }
                    }
                })
                .start();
        Path written = watch(30, 90, Map.of());
        await(written, "Ctrl-C leaves");
        String tty = Files.readString(dir.resolve("tty")).strip();
        new ProcessBuilder("stty", "-F", tty, "rows", "20", "cols", "60")
                .inheritIO()
                .start()
                .waitFor();
        Awaitility.await().atMost(20, TimeUnit.SECONDS).until(() -> {
            String all = read(written);
            int cleared = all.lastIndexOf("\033[2J");
            return cleared > all.indexOf("\033[2J") && all.indexOf("Ctrl-C leaves", cleared) > 0;
        });
        String all = read(written);
        String since = all.substring(all.lastIndexOf("\033[2J"));
        int frameEnd = since.indexOf("\033[J");
        TinyTerminal smaller = new TinyTerminal(20, 60).write(since.substring(0, frameEnd));
        assertThat(smaller.text().lines().count()).isLessThanOrEqualTo(20);
        for (String line : since.substring(0, frameEnd).split("\r\n", -1)) {
            assertThat(line.replaceAll("\033\\[[?0-9;]*[A-Za-z]|\r", "").length())
                    .isLessThanOrEqualTo(60);
        }
    }

    @Test
    void shouldKeepColoursToItselfWhereNobodyWantsThem() throws Exception {
        ferryd.watch = observer -> observer.onNext(Samples.precopy());
        Path written = watch(30, 90, Map.of("NO_COLOR", "1"));
        await(written, "Ctrl-C leaves");
        TinyTerminal screen = new TinyTerminal(30, 90).write(read(written));
        assertThat(screen.colours()).isZero();
        assertThat(screen.isOnOtherScreen()).isTrue();
    }

    @Test
    void shouldWriteLinesToADumbTerminal() throws Exception {
        ferryd.watch = observer -> {
            observer.onNext(Samples.precopy());
            observer.onNext(Samples.completed());
            observer.onCompleted();
        };
        Path written = watch(30, 90, Map.of("TERM", "dumb"));
        assertThat(script.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(read(written)).doesNotContain("\033").contains(ProgressLine.of(Samples.precopy()));
    }

    @Test
    void shouldDrawOneLineWhereThereIsNoRoomForMore() throws Exception {
        ferryd.watch = observer -> observer.onNext(Samples.precopy());
        Path written = watch(8, 90, Map.of());
        await(written, "PRECOPY");
        assertThat(read(written)).contains(ProgressLine.of(Samples.precopy())).doesNotContain("1049");
    }
}
