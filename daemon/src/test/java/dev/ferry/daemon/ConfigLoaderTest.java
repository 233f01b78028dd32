package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.api.ListenAddress;
import dev.ferry.migration.LostPagePolicy;
import dev.ferry.migration.MoveLimits;
import dev.ferry.migration.Policy;
import dev.ferry.migration.RetryLimits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigLoaderTest {
    @Test
    void shouldHaveADefaultForEverything() throws ConfigException {
        Config c = ConfigLoader.parse("f.toml", "");

        assertThat(c.stateDir()).isEqualTo(Path.of("/var/lib/ferry"));
        assertThat(c.control().listen()).containsExactly("unix:/run/ferry/control.sock");
        assertThat(ListenAddress.text(c.peer())).isEqualTo("127.0.0.1:7420");
        assertThat(c.guests().ramDir()).isEqualTo(Path.of("/dev/shm"));
        assertThat(c.policy()).isEqualTo(Policy.defaults());
        assertThat(c.moveLimits()).isEqualTo(MoveLimits.DEFAULTS);
        assertThat(c.logLevel()).isEqualTo("INFO");
    }

    @Test
    void shouldBeNamedAsTheKernelNamesItsHost(@TempDir Path dir) throws ConfigException, IOException {
        String kernels = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        assertThat(ConfigLoader.parse("f.toml", "").name()).isEqualTo(kernels);

        Path file = dir.resolve("hostname");
        assertThat(ConfigLoader.hostName(Files.writeString(file, "host-a.example\n")))
                .isEqualTo("host-a.example");
        assertThat(ConfigLoader.hostName(Files.writeString(file, "(none)\n"))).isEqualTo("localhost");
        assertThat(ConfigLoader.hostName(dir.resolve("nothing"))).isEqualTo("localhost");
    }

    @Test
    void shouldReadEveryKey() throws ConfigException {
        Config c = ConfigLoader.parse("f.toml", """
            state_dir = "/s"
            runtime_dir = "/r"
            name = "host-a"
            [control]
            listen = ["unix:/c", "[::1]:7"]
            [peer]
            listen = "0.0.0.0:1"
            [tls]
            mode = "off"
            [guests]
            ram_dir = "/dev/hugepages"
            emulator = "/opt/qemu"
            [guests.values]
            tap = "tap0"
            [guests.paths]
            "/a.b/c" = "/d"
            [migration]
            precopy_rounds = 0
            precopy_seconds = 1.5
            bandwidth = 125_000_000
            postcopy_bandwidth = 7
            lost_page_policy = "stop"
            lost_page_limit_seconds = 2.5
            connect_timeout_seconds = 3
            retry_seconds = 2.5
            retries = 7
            max_outbound = 5
            max_inbound = 6
            [log]
            level = "debug"
            """);

        assertThat(c.runtimeDir()).isEqualTo(Path.of("/r"));
        assertThat(c.name()).isEqualTo("host-a");
        assertThat(c.control().listen()).containsExactly("unix:/c", "[::1]:7");
        assertThat(c.guests().emulator()).isEqualTo("/opt/qemu");
        assertThat(c.guests().values()).containsEntry("tap", "tap0");
        assertThat(c.guests().paths()).containsEntry("/a.b/c", "/d");
        assertThat(c.policy())
                .isEqualTo(new Policy(
                        0,
                        1_500_000_000L,
                        125_000_000,
                        7,
                        false,
                        new LostPagePolicy(LostPagePolicy.Action.STOP, 2_500_000_000L)));
        assertThat(c.connectTimeoutSeconds()).isEqualTo(3);
        assertThat(c.retryLimits()).isEqualTo(new RetryLimits(2_500_000_000L, 7));
        assertThat(c.moveLimits()).isEqualTo(new MoveLimits(5, 6));
        assertThat(c.logLevel()).isEqualTo("DEBUG");
    }

    @Test
    void shouldTellMetricsWhereItIsSaid() throws ConfigException {
        assertThat(ConfigLoader.parse("f", "").metrics()).isEmpty();
        assertThat(ConfigLoader.parse("f", "metrics.listen = '127.0.0.1:7421'").metrics())
                .contains(new InetSocketAddress(InetAddress.getLoopbackAddress(), 7421));
        assertThat(ConfigLoader.parse("f", "metrics = { listen = '0.0.0.0:7421', allow_remote = true }")
                        .metrics())
                .contains(new InetSocketAddress("0.0.0.0", 7421));
    }

    @Test
    void shouldPutTheControlSocketInTheRuntimeDirectory() throws ConfigException {
        assertThat(ConfigLoader.parse("f", "runtime_dir = '/r'").control().listen())
                .containsExactly("unix:/r/control.sock");
    }

    /** ~ is a new line. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "# x~sate_dir = '/x' | f.toml:2: sate_dir: unknown, allowed are control.audit_log, control.clients",
                "[control]~lissten = 'x' | f.toml:2: control.lissten: unknown",
                "[controll]~listen = 'x' | f.toml:1: controll: unknown",
                "state_dir = 5 | f.toml:1: state_dir: 5 is no text",
                "state_dir = 'x' | f.toml:1: state_dir: \"x\" is no absolute path",
                "peer = 5 | f.toml:1: peer: 5 is no table",
                "[peer]~~listen = 'x' | f.toml:3: peer.listen: \"x\" is not HOST:PORT",
                "[control.clients]~operators = 'x' | f.toml:2: control.clients.operators: \"x\" is no list",
                "[control.clients]~operators = ['a', 'b']~viewers = ['c', 'B'] | f.toml:3: control.clients.viewers: \"B\" is in"
                        + " control.clients.operators too",
                "[control.clients]~viewers = ['a']~[tls]~mode = 'off' | f.toml:2: control.clients.viewers: are names of",
                "[control.clients]~admins = ['a'] | f.toml:2: control.clients.admins: unknown, allowed are",
                "[control]~viewers = 'x' | f.toml:2: control.viewers: \"x\" is no list",
                "[control]~viewers = ['nobody', '7', 'nosuchuser'] | f.toml:2: control.viewers: \"nosuchuser\" is no user",
                "[tls]~mode = 'maybe' | f.toml:2: tls.mode: \"maybe\", allowed are \"mutual\" and \"off\"",
                "[tls]~mode = 'off'~key = 'k' | f.toml:3: tls.key: \"k\" is no absolute path",
                "metrics.listen = '0.0.0.0:1' | f.toml:1: metrics.listen: \"0.0.0.0:1\" is not loopback",
                "metrics.listen = 'x' | f.toml:1: metrics.listen: \"x\" is not HOST:PORT",
                "metrics.allow_remote = 1 | f.toml:1: metrics.allow_remote: 1, allowed are true and false",
                "[control]~listen = 'unix:/x' | f.toml:2: control.listen: \"unix:/x\" is no list",
                "[control]~listen = [] | f.toml:2: control.listen: [] is no list",
                "[control]~listen = [5] | f.toml:2: control.listen: [5] is no list",
                "[control]~listen = ['0.0.0.0:1']~[tls]~mode = 'off' | f.toml:2: control.listen: \"0.0.0.0:1\" is not loopback",
                "[migration]~precopy_rounds = -1 | f.toml:2: migration.precopy_rounds: -1, allowed is a whole number"
                        + " from 0",
                "[migration]~precopy_rounds = 1.5 | f.toml:2: migration.precopy_rounds: 1.5, allowed",
                "[migration]~precopy_seconds = nan | f.toml:2: migration.precopy_seconds",
                "[migration]~bandwidth = '1G' | f.toml:2: migration.bandwidth: \"1G\", allowed",
                "[migration]~connect_timeout_seconds = 0 | f.toml:2: migration.connect_timeout_seconds: 0, allowed",
                "[guests.values]~a = 1 | f.toml:2: guests.values.a: 1 is no text",
                "[log]~level = 'loud' | f.toml:2: log.level: \"loud\", allowed are error",
                "name = 'a b' | f.toml:1: name: \"a b\"",
                "name = '' | f.toml:1: name: \"\"",
                "a = 1~b = = 2 | f.toml:2: not TOML",
                "a = 1~a = 2 | f.toml:2: not TOML",
            })
    void shouldSayWhatIsWrongAndWhere(String text, String error) {
        assertThatThrownBy(() -> ConfigLoader.parse("f.toml", text.replace('~', '\n')))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(error);
    }

    @Test
    void shouldSayWhichFileIsMissing() {
        assertThatThrownBy(() -> ConfigLoader.load(Path.of("/nowhere/f.toml")))
                .hasMessage("/nowhere/f.toml: no such file");
    }
}
