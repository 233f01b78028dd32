package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.ListGuestsRequest;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The real daemon, started by bin/ferryd: its ready line, its signals, its errors. */
@Tag("kernel")
@Timeout(120)
class FerrydTest {
    private final List<Process> started = new ArrayList<>();
    private Path dir;
    private Path config;

    @BeforeEach
    void configure() throws IOException {
        dir = Files.createTempDirectory(Path.of("/dev/shm"), "ferryd-test-");
        config = Files.writeString(dir.resolve("c.toml"), """
            state_dir = "%1$s/state"
            runtime_dir = "%1$s/run"
            [control]
            listen = ["unix:%1$s/run/control.sock", "127.0.0.1:0"]
            [peer]
            listen = "127.0.0.1:0"
            [tls]
            mode = "off"
            """.formatted(dir));
    }

    @AfterEach
    void cleanUp() throws IOException, InterruptedException {
        for (Process p : started) {
            p.destroyForcibly().waitFor();
        }
        try (Stream<Path> files = Files.walk(dir)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }

    private Process ferryd(String... arguments) throws IOException {
        // A script's background job ignores SIGINT, and so does what it starts, this JVM and its children too.
        List<String> command = new ArrayList<>(List.of(
                "env", "--default-signal=INT", root().resolve("bin/ferryd").toString()));
        command.addAll(List.of(arguments));
        Process p = new ProcessBuilder(command)
                .redirectError(dir.resolve("stderr-" + started.size()).toFile())
                .start();
        started.add(p);
        return p;
    }

    private static Path root() {
        Path here = Path.of("").toAbsolutePath();
        return Files.exists(here.resolve("bin/ferryd")) ? here : here.getParent();
    }

    private String errors(int process) throws IOException {
        return Files.readString(dir.resolve("stderr-" + process));
    }

    private static int end(Process p) throws InterruptedException {
        assertThat(p.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return p.exitValue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT"})
    void shouldServeUntilASignal(String signal) throws IOException, InterruptedException {
        Process p = ferryd("--config", config.toString());
        try (BufferedReader out = p.inputReader(StandardCharsets.UTF_8)) {
            assertThat(out.readLine())
                    .matches("ready control=unix:" + dir
                            + "/run/control\\.sock,127\\.0\\.0\\.1:[1-9][0-9]* peer=127\\.0\\.0\\.1:[1-9][0-9]*");
            assertThat(guests(dir.resolve("run/control.sock"))).isZero();

            long askedNs = System.nanoTime();
            assertThat(end(new ProcessBuilder("kill", "-" + signal, Long.toString(p.pid())).start()))
                    .isZero();
            assertThat(end(p)).isZero();
            assertThat(System.nanoTime() - askedNs).isLessThan(TimeUnit.SECONDS.toNanos(5));
            assertThat(out.readLine()).isNull();
        }
        assertThat(dir.resolve("run/control.sock")).doesNotExist();
        assertThat(errors(0)).hasLineCount(1).contains("tls.mode is off");
    }

    @Test
    void shouldReadItsConfigurationAgainAtAHangUp() throws IOException, InterruptedException {
        Process p = ferryd("--config", config.toString());
        try (BufferedReader out = p.inputReader(StandardCharsets.UTF_8)) {
            assertThat(out.readLine()).startsWith("ready ");
            Files.writeString(config, Files.readString(config) + "[log]\nlevel = \"debug\"\n[nonsense]\nx = 1\n");
            hangUp(p, "the configuration stays as it is: " + config + ":11: nonsense");
            Files.writeString(
                    config, Files.readString(config).replace("[nonsense]\nx = 1\n", "[guests]\nemulator = \"none\"\n"));
            hangUp(p, "again: log.level"); // the last that is said
            assertThat(errors(0))
                    .contains("guests.emulator needs a restart to be \"none\": it stays (default)")
                    .contains("log.level is \"debug\" from now on, it was (default)");
            assertThat(guests(dir.resolve("run/control.sock"))).isZero();
            p.toHandle().destroy();
            assertThat(end(p)).isZero();
        }
    }

    private void hangUp(Process daemon, String answer) throws IOException, InterruptedException {
        assertThat(end(new ProcessBuilder("kill", "-HUP", Long.toString(daemon.pid())).start()))
                .isZero();
        long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!errors(0).contains(answer) && daemon.isAlive() && System.nanoTime() < endNs) {
            Thread.onSpinWait();
        }
        assertThat(errors(0)).contains(answer);
    }

    @ParameterizedTest
    @ValueSource(strings = {"run/lock", "run/control.sock"})
    void shouldStopWhileItStarts(String file) throws IOException, InterruptedException {
        Process p = ferryd("--config", config.toString());
        while (!Files.exists(dir.resolve(file)) && p.isAlive()) {
            Thread.onSpinWait();
        }
        p.toHandle().destroy();
        assertThat(end(p)).isZero();
        assertThat(errors(0).lines().filter(line -> !line.contains("tls.mode is off")))
                .isEmpty();
        assertThat(dir.resolve("run/control.sock")).doesNotExist();
        readyAgain();
    }

    /** A QEMU that does not answer holds the start up for seconds. */
    @Test
    void shouldStopWhileItWaitsForAGuest() throws IOException, InterruptedException {
        Path qmp = dir.resolve("deaf.sock");
        long self = ProcessHandle.current().pid();
        String stat = Files.readString(Path.of("/proc/self/stat"));
        String startTime = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[19];
        Files.createDirectories(dir.resolve("state/guests"));
        Files.writeString(dir.resolve("state/guests/g.json"), """
            {"name": "g", "qmpSocket": "%s", "pid": %d, "startTime": %s, "adopted": true, "definition": ""}
            """.formatted(qmp, self, startTime));
        try (ServerSocketChannel deaf = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            deaf.bind(UnixDomainSocketAddress.of(qmp));
            Process p = ferryd("--config", config.toString());
            try (SocketChannel connected = deaf.accept();
                    BufferedReader out = p.inputReader(StandardCharsets.UTF_8)) {
                p.toHandle().destroy();
                assertThat(end(p)).isZero();
                assertThat(out.readLine()).isNull();
            }
        }
        assertThat(errors(0)).doesNotContain("\tat ");
        assertThat(dir.resolve("run/control.sock")).doesNotExist();
        Files.delete(dir.resolve("state/guests/g.json"));
        readyAgain();
    }

    private void readyAgain() throws IOException {
        try (BufferedReader out = ferryd("--config", config.toString()).inputReader(StandardCharsets.UTF_8)) {
            assertThat(out.readLine()).startsWith("ready ");
        }
    }

    private static int guests(Path socket) {
        MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        ManagedChannel channel = NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toString()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(loop)
                .usePlaintext()
                .build();
        try {
            return dev.ferry.v1.GuestServiceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(10, TimeUnit.SECONDS)
                    .list(ListGuestsRequest.getDefaultInstance())
                    .getGuestsCount();
        } finally {
            channel.shutdownNow();
            loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    @ParameterizedTest
    @CsvSource({"runtime_dir, run", "state_dir, state"})
    void shouldNotShareADirectoryWithAnother(String key, String name) throws IOException, InterruptedException {
        Process first = ferryd("--config", config.toString());
        try (BufferedReader out = first.inputReader(StandardCharsets.UTF_8)) {
            assertThat(out.readLine()).startsWith("ready ");
            Path other = Files.writeString(
                    dir.resolve("other.toml"), Files.readString(config).replace(dir.toString(), dir + "/other"));
            Files.writeString(
                    other, Files.readString(other).replace(dir + "/other/" + name + "\"", dir + "/" + name + "\""));
            assertThat(end(ferryd("--config", other.toString()))).isEqualTo(1);
            assertThat(errors(1))
                    .isEqualTo("ferryd: " + dir.resolve(name) + ": another ferryd (process " + first.pid()
                            + ") uses this " + key + System.lineSeparator());
            assertThat(guests(dir.resolve("run/control.sock"))).isZero();
        }
    }

    @Test
    void shouldStartAgainAfterAKill() throws IOException, InterruptedException {
        Process first = ferryd("--config", config.toString());
        try (BufferedReader out = first.inputReader(StandardCharsets.UTF_8)) {
            assertThat(out.readLine()).startsWith("ready ");
        }
        end(first.destroyForcibly());
        assertThat(dir.resolve("run/control.sock")).exists();
        readyAgain();
    }

    @Test
    void shouldSayWhyItCannotStart() throws IOException, InterruptedException {
        Path bad = Files.writeString(dir.resolve("bad.toml"), "# x\nruntime = 5\n");
        assertThat(end(ferryd("--config", bad.toString()))).isEqualTo(1);
        assertThat(errors(0)).hasLineCount(1).startsWith("ferryd: " + bad + ":2: runtime: unknown");

        assertThat(end(ferryd("--frobnicate"))).isEqualTo(2);
        assertThat(end(ferryd("--version"))).isZero();
    }
}
