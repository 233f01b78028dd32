package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command line over TCP: its certificate, and what it says when one of the two is not what the other takes. */
@Timeout(60)
class TlsTest {
    private static final int UNAVAILABLE = 78;

    @TempDir
    private static Path directory;

    private static Path ours;
    private static Path theirs;

    private Screen screen = new Screen();

    @BeforeAll
    static void make() {
        ours = directory.resolve("ours");
        theirs = directory.resolve("theirs");
        OverTls.init(
                ours,
                "there,127.0.0.1",
                "elsewhere,elsewhere.example",
                "--client",
                "alice",
                "--client",
                "bob,b.example");
        OverTls.init(theirs, "there,127.0.0.1", "--client", "alice");
    }

    private int ferry(Map<String, String> environment, String... words) {
        screen = new Screen();
        return Ferry.execute(screen.terminal(false, environment), words);
    }

    private int list(String endpoint, Path tls) {
        return ferry(Map.of(), "--endpoint", endpoint, "--tls", tls.toString(), "list");
    }

    private static OverTls as(String host) throws Exception {
        return new OverTls(Optional.of(ours.resolve(host)));
    }

    private static X509Certificate certificate(Path file) throws Exception {
        try (InputStream in = Files.newInputStream(file)) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    @Test
    void shouldMakeCertificatesThatDoForClientsOnly() throws Exception {
        X509Certificate bob = certificate(ours.resolve("bob/client.crt"));
        assertThat(bob.getExtendedKeyUsage()).containsExactly("1.3.6.1.5.5.7.3.2");
        assertThat(bob.getSubjectAlternativeNames())
                .containsExactlyInAnyOrder(List.of(2, "bob"), List.of(2, "b.example"));
        assertThat(certificate(ours.resolve("there/host.crt")).getExtendedKeyUsage())
                .containsExactlyInAnyOrder("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(ours.resolve("bob/client.key"))))
                .isEqualTo("rw-------");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--client there | a client with a host's name would be taken for it",
                "alice | a client with a host's name would be taken for it",
                "--client alice | it is not written over",
                "--client a/b | neither a client's name nor an address",
                "'' | for whom?"
            })
    void shouldRefuseToMake(String words, String why) {
        String[] all = ("tls init --dir " + ours + " " + words).strip().split(" ");
        assertThat(ferry(Map.of(), all)).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).contains(why);
    }

    @Test
    void shouldSpeakWithACertificate() throws Exception {
        try (OverTls server = as("there")) {
            assertThat(list(server.endpoint(), ours.resolve("alice")))
                    .as(screen.err())
                    .isZero();
            assertThat(ferry(
                            Map.of("FERRY_ENDPOINT", server.endpoint(), "FERRY_TLS", ours.resolve("bob") + ""), "list"))
                    .isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"HOME, .config/ferry/tls", "XDG_CONFIG_HOME, ferry/tls"})
    void shouldFindItsCertificate(String variable, String place, @TempDir Path home) throws Exception {
        Files.createDirectories(home.resolve(place).getParent());
        Files.createSymbolicLink(home.resolve(place), ours.resolve("alice"));
        try (OverTls server = as("there")) {
            assertThat(ferry(Map.of(variable, home.toString()), "--endpoint", server.endpoint(), "list"))
                    .as(screen.err())
                    .isZero();
        }
    }

    @Test
    void shouldSayWhereACertificateWasLookedFor() {
        assertThat(ferry(Map.of("HOME", "/nowhere"), "--endpoint", "127.0.0.1:1", "list"))
                .isEqualTo(ExitCode.USAGE);
        assertThat(screen.err())
                .contains("/nowhere/.config/ferry/tls", "/etc/ferry/client", "ferry tls init --client", "--tls off");
    }

    private void expect(int exit, String... words) {
        assertThat(screen.err()).startsWith("ferry: ").contains(words).hasLineCount(1);
        assertThat(screen.out()).isEmpty();
        assertThat(exit).isEqualTo(UNAVAILABLE);
    }

    @Test
    void shouldNotTrustAFerrydOfAnotherCa() throws Exception {
        Path mixed =
                OverTls.mixed(ours.resolve("alice"), theirs.resolve("alice"), "ca.crt", directory.resolve("mixed-ca"));
        try (OverTls server = as("there")) {
            expect(
                    list(server.endpoint(), mixed),
                    "is not trusted",
                    "for there, 127.0.0.1, is not of the CA in " + mixed + "/ca.crt");
        }
    }

    /** While a CA is replaced both are trusted, whichever comes first in the file; so does ferryd. */
    @Test
    void shouldTrustEveryCaOfItsFile() throws Exception {
        String both = Files.readString(theirs.resolve("alice/ca.crt")) + Files.readString(ours.resolve("alice/ca.crt"));
        Path rotating =
                OverTls.mixed(ours.resolve("alice"), ours.resolve("alice"), "", directory.resolve("rotating-ca"));
        Files.writeString(rotating.resolve("ca.crt"), both);
        try (OverTls server = as("there")) {
            assertThat(list(server.endpoint(), rotating)).as(screen.err()).isZero();
        }
    }

    @Test
    void shouldSayWhichNamesACertificateHas() throws Exception {
        try (OverTls server = as("elsewhere")) {
            expect(
                    list(server.endpoint(), ours.resolve("alice")),
                    "is for elsewhere, elsewhere.example and not for 127.0.0.1");
        }
    }

    @Test
    void shouldSayThatItsCertificateIsRefused() throws Exception {
        Path mixed =
                OverTls.mixed(theirs.resolve("alice"), ours.resolve("alice"), "ca.crt", directory.resolve("mixed-own"));
        try (OverTls server = as("there")) {
            expect(list(server.endpoint(), mixed), "refuses the client.crt", "not of the CA that this ferryd has");
        }
    }

    @Test
    void shouldNeverFallBackToSpeakingInTheClear() throws Exception {
        try (OverTls server = new OverTls(Optional.empty())) {
            expect(list(server.endpoint(), ours.resolve("alice")), "speaks without TLS", "--tls off");
            assertThat(ferry(Map.of(), "--endpoint", server.endpoint(), "--tls", "off", "list"))
                    .isZero();
            assertThat(ferry(Map.of("FERRY_TLS", "off"), "--endpoint", server.endpoint(), "list"))
                    .isZero();
        }
    }

    @Test
    void shouldSayThatTlsIsWanted() throws Exception {
        try (OverTls server = as("there")) {
            expect(
                    ferry(Map.of(), "--endpoint", server.endpoint(), "--tls", "off", "list"),
                    "wants TLS",
                    "leave --tls off out");
        }
    }

    @Test
    void shouldSayWhichFileIsWrong(@TempDir Path dir) throws Exception {
        assertThat(list("127.0.0.1:1", dir)).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).contains(dir + "/ca.crt: no such file", "--client");

        Path empty = OverTls.mixed(ours.resolve("alice"), ours.resolve("alice"), "", dir.resolve("empty"));
        Files.writeString(empty.resolve("ca.crt"), "");
        assertThat(list("127.0.0.1:1", empty)).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).contains("ca.crt: no certificate in PEM");

        Path noKey = OverTls.mixed(ours.resolve("alice"), ours.resolve("alice"), "", dir.resolve("no-key"));
        Files.writeString(noKey.resolve("client.key"), "nothing");
        assertThat(list("127.0.0.1:1", noKey)).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).contains("client.key: no private key");

        Path late = OverTls.mixed(ours.resolve("alice"), ours.resolve("alice"), "", dir.resolve("late"));
        OverTls.expire(late.resolve("client.crt"));
        assertThat(list("127.0.0.1:1", late)).isEqualTo(ExitCode.USAGE);
        assertThat(screen.err()).contains("client.crt has expired, on 2");
    }

    /** Its start must not pay for what a unix socket has no use for. */
    @Test
    void shouldLoadNoTlsForAUnixSocket(@TempDir Path dir) throws Exception {
        try (FakeFerryd ferryd = new FakeFerryd(dir.resolve("s"))) {
            ProcessBuilder builder = new ProcessBuilder(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xlog:class+load:file=" + dir.resolve("loaded"),
                    "-cp",
                    System.getProperty("java.class.path"),
                    "dev.ferry.client.Main",
                    "--endpoint",
                    ferryd.endpoint(),
                    "list");
            Map<String, String> environment = new HashMap<>(Map.of("FERRY_TLS", "/nowhere"));
            builder.environment().putAll(environment);
            Process process = builder.redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as(said).isZero();
            assertThat(Files.readString(dir.resolve("loaded")))
                    .contains("dev.ferry.client.Connection ")
                    .doesNotContain(
                            "dev.ferry.client.ClientTls",
                            "dev.ferry.client.KnownFerryds ",
                            "io.grpc.netty.GrpcSslContexts",
                            "sun.security.ssl.");
        }
    }
}
