package dev.ferry.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.Arrivals;
import dev.ferry.migration.PeerLink;
import dev.ferry.net.TlsFiles;
import dev.ferry.v1.HelloRequest;
import dev.ferry.v1.PeerServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who is let in, and who is not: over real TCP. */
class PeerTlsTest {
    private static final String FOREVER = "-validity 3650";

    @TempDir
    private static Path directory;

    private static TestCertificates ours;
    private static TestCertificates theirs;

    private PeerServer server;

    @BeforeAll
    static void sign() throws Exception {
        ours = new TestCertificates(directory.resolve("ours"));
        ours.sign("there", "dns:there.example,ip:127.0.0.1", FOREVER);
        ours.sign("elsewhere", "dns:elsewhere.example", FOREVER);
        ours.sign("here", "dns:here.example", FOREVER);
        ours.sign("late", "dns:here.example", "-startdate -10d -validity 3");
        theirs = new TestCertificates(directory.resolve("theirs"));
        theirs.sign("here", "dns:here.example", FOREVER);
        theirs.sign("there", "ip:127.0.0.1", FOREVER);
    }

    private void serve(PeerTls as) throws IOException {
        serve(Optional.of(as));
    }

    private void serve(Optional<PeerTls> as) throws IOException {
        Arrivals nobody = (Arrivals) Proxy.newProxyInstance(
                Arrivals.class.getClassLoader(), new Class<?>[] {Arrivals.class}, (proxy, method, arguments) -> {
                    throw new AssertionError("a peer that was not let in has called " + method.getName());
                });
        server =
                new PeerServer(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), nobody, "test", "there", as);
    }

    @AfterEach
    void close() {
        server.close();
    }

    private String hello(Optional<PeerTls> as) {
        try (PeerLink link = new PeerDialer("test", 20, as).dial("127.0.0.1:" + server.port(), 1, 1)) {
            return link.hello();
        }
    }

    private void expectRefused(Optional<PeerTls> as, String... words) {
        assertThatThrownBy(() -> hello(as))
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.UNAVAILABLE))
                .satisfies(e -> List.of(words).forEach(word -> assertThat(e).hasMessageContaining(word)))
                .extracting(Throwable::getMessage, InstanceOfAssertFactories.STRING)
                .doesNotContain("Pipeline", "\n", "Engine", "io exception", "(..)");
    }

    private void expectCounted() {
        Awaitility.await().atMost(5, TimeUnit.SECONDS).until(() -> server.refused() > 0);
    }

    @Test
    void shouldLetAPeerInWhoseNameIsAllowed() throws Exception {
        serve(ours.tls("there", "somebody.example", "here.example"));
        assertThat(hello(Optional.of(ours.tls("here")))).isEqualTo("test");
        assertThat(server.refused()).isZero();
    }

    @Test
    void shouldLetEveryPeerOfTheCaInWhereNoNameIsSaid() throws Exception {
        serve(ours.tls("there"));
        assertThat(hello(Optional.of(ours.tls("elsewhere")))).isEqualTo("test");
    }

    @Test
    void shouldRefuseACertificateOfAnotherCa() throws Exception {
        serve(ours.tls("there"));
        expectRefused(
                Optional.of(new PeerTls(ours.authority(), theirs.certificate("here"), theirs.key("here"), List.of())),
                "does not accept this host's certificate",
                "its log says why");
        expectCounted();
    }

    @Test
    void shouldRefuseANameThatIsNotAllowed() throws Exception {
        serve(ours.tls("there", "somebody.example"));
        assertThatThrownBy(() -> hello(Optional.of(ours.tls("here"))))
                .isInstanceOfSatisfying(
                        FerryException.class,
                        e -> assertThat(e.category()).as(e.getMessage()).isEqualTo(ErrorCategory.PERMISSION_DENIED))
                .hasMessageContaining("here.example")
                .hasMessageContaining("tls.allow");
        expectCounted();
    }

    @Test
    void shouldRefuseADestinationThatIsAnotherHost() throws Exception {
        serve(ours.tls("elsewhere"));
        expectRefused(Optional.of(ours.tls("here")), "not for the name that it was dialled by", "127.0.0.1");
    }

    @Test
    void shouldRefuseADestinationOfAnotherCa() throws Exception {
        serve(theirs.tls("there"));
        expectRefused(Optional.of(ours.tls("here")), "is not of the CA in this host's tls.ca");
    }

    @Test
    void shouldSayThatADestinationDoesNotSpeakTls() throws Exception {
        serve(Optional.empty());
        expectRefused(Optional.of(ours.tls("here")), "does not speak TLS", "tls.mode");
    }

    @Test
    void shouldSayThatNobodyListens() throws Exception {
        serve(ours.tls("there"));
        int port = server.port();
        server.close();
        assertThatThrownBy(() -> new PeerDialer("test", 5, Optional.of(ours.tls("here")))
                        .dial("127.0.0.1:" + port, 1, 1)
                        .hello())
                .hasMessageContainingAll("127.0.0.1:" + port, "Connection refused", "is ferryd running there");
    }

    @Test
    void shouldRefuseACertificateThatHasExpired() throws Exception {
        serve(ours.tls("there"));
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                .sslContext(GrpcSslContexts.forClient()
                        .trustManager(ours.authority().toFile())
                        .keyManager(
                                ours.certificate("late").toFile(),
                                ours.key("late").toFile())
                        .build())
                .build();
        try {
            assertThatThrownBy(() -> PeerServiceGrpc.newBlockingStub(channel)
                            .withDeadlineAfter(5, TimeUnit.SECONDS)
                            .hello(HelloRequest.getDefaultInstance()))
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessageContaining("UNAVAILABLE");
        } finally {
            channel.shutdownNow();
        }
        expectCounted();
    }

    @Test
    void shouldNotCountWhoOnlyLooksWhetherSomebodyListens() throws Exception {
        serve(ours.tls("there"));
        new Socket(InetAddress.getLoopbackAddress(), server.port()).close();
        expectRefused(Optional.empty());
        expectCounted();
        assertThat(server.refused()).isEqualTo(1);
    }

    @Test
    void shouldReachItself() throws Exception {
        serve(ours.tls("elsewhere").toItself());
        assertThat(hello(Optional.of(ours.tls("elsewhere").toItself()))).isEqualTo("test");
        assertThatThrownBy(() -> hello(Optional.of(ours.tls("there"))))
                .as("nobody else does")
                .isInstanceOf(FerryException.class);
    }

    @Test
    void shouldNotStartWithACertificateThatHasExpired() throws Exception {
        serve(ours.tls("there"));
        assertThatThrownBy(() -> ours.tls("late"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not valid now");
    }

    @Test
    void shouldSayWhichFileIsWrong() throws Exception {
        serve(ours.tls("there"));
        assertThatThrownBy(() -> new PeerTls(ours.authority(), ours.certificate("here"), theirs.key("here"), List.of()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("here.key");
        assertThatThrownBy(() -> new PeerTls(ours.key("here"), ours.certificate("here"), ours.key("here"), List.of()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("here.key");
    }

    @Test
    void shouldRefuseWhoSpeaksWithoutTls() throws Exception {
        serve(ours.tls("there"));
        expectRefused(Optional.empty());
        expectCounted();
    }

    @Test
    void shouldNotWaitForAHandshakeThatNeverComes() throws Exception {
        serve(ours.tls("there"));
        try (Socket silent = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            silent.setSoTimeout(20_000);
            silent.getOutputStream().write(22);
            // What comes first, an alert or nothing, it ends soon; others are served meanwhile.
            assertThat(hello(Optional.of(ours.tls("here")))).isEqualTo("test");
            while (silent.getInputStream().read() >= 0) {
                // an alert
            }
        }
        expectCounted();
    }

    @Test
    void shouldUseNewCertificatesWithoutARestart() throws Exception {
        Path own = Files.createDirectories(directory.resolve("own"));
        put(ours, own);
        PeerTls changing =
                new PeerTls(own.resolve("ca.crt"), own.resolve("host.crt"), own.resolve("host.key"), List.of());
        serve(changing);
        assertThat(hello(Optional.of(ours.tls("here")))).isEqualTo("test");
        put(theirs, own);
        expectRefused(Optional.of(ours.tls("here")));
        assertThat(hello(Optional.of(theirs.tls("here")))).isEqualTo("test");
        Files.writeString(own.resolve("host.crt"), "not a certificate");
        assertThat(hello(Optional.of(theirs.tls("here")))).isEqualTo("test");
    }

    /** Clocks of a CA and a host differ: what becomes valid in a moment is used then. */
    @Test
    void shouldUseACertificateOnceItIsValid() throws Exception {
        Path own = Files.createDirectories(directory.resolve("early"));
        put(ours, own);
        TlsFiles files = new TlsFiles(own.resolve("ca.crt"), own.resolve("host.crt"), own.resolve("host.key"));
        serve(new PeerTls(files, List.of()));
        long endsUnixMs = files.endsUnixMs();
        ours.sign("soon", "dns:there.example,ip:127.0.0.1", "-startdate +12S -validity 20");
        for (String[] file : new String[][] {{"host.crt", "soon"}, {"host.key", "soon"}}) {
            Path from = file[0].endsWith("crt") ? ours.certificate(file[1]) : ours.key(file[1]);
            Files.copy(from, own.resolve("new"));
            Files.move(own.resolve("new"), own.resolve(file[0]), StandardCopyOption.ATOMIC_MOVE);
        }
        assertThat(files.endsUnixMs()).as("the old one stays").isEqualTo(endsUnixMs);
        Awaitility.await().atMost(60, TimeUnit.SECONDS).until(() -> files.endsUnixMs() != endsUnixMs);
        assertThat(hello(Optional.of(ours.tls("here")))).isEqualTo("test");
    }

    /** A guest may wait for pages that are here already: the daemon runs, and connections come when they can. */
    @Test
    void shouldGoWithoutConnectionsUntilTheFilesAreUsable() throws Exception {
        Path own = Files.createDirectories(directory.resolve("later"));
        TlsFiles files =
                TlsFiles.usableOrLater(own.resolve("ca.crt"), own.resolve("host.crt"), own.resolve("host.key"));
        PeerTls later = new PeerTls(files, List.of());
        serve(later);
        assertThat(files.names()).isEmpty();
        expectRefused(Optional.of(ours.tls("here")));
        expectRefused(Optional.of(later), "this host's certificates cannot be used", "ca.crt");
        put(ours, own);
        assertThat(hello(Optional.of(ours.tls("here")))).isEqualTo("test");
        assertThat(files.names()).contains("there.example");
    }

    private static void put(TestCertificates from, Path own) throws IOException {
        for (Path[] file : new Path[][] {
            {from.authority(), own.resolve("ca.crt")},
            {from.certificate("there"), own.resolve("host.crt")},
            {from.key("there"), own.resolve("host.key")}
        }) {
            Files.copy(file[0], own.resolve("new"));
            Files.move(own.resolve("new"), file[1], StandardCopyOption.ATOMIC_MOVE);
        }
    }
}
