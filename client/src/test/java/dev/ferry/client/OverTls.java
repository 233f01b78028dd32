package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.ListRequest;
import dev.ferry.v1.ListResponse;
import dev.ferry.v1.MigrationServiceGrpc;
import io.grpc.Server;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A gRPC server over TCP that lists no migrations, and certificates by {@code ferry tls init}. */
final class OverTls implements AutoCloseable {
    private final Server server;

    /** @param host a directory of {@link #init}; empty: without TLS */
    OverTls(Optional<Path> host) throws Exception {
        NettyServerBuilder builder = NettyServerBuilder.forAddress(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new MigrationServiceGrpc.MigrationServiceImplBase() {
                    @Override
                    public void list(ListRequest request, StreamObserver<ListResponse> observer) {
                        observer.onNext(ListResponse.getDefaultInstance());
                        observer.onCompleted();
                    }
                });
        if (host.isPresent()) {
            SslContextBuilder tls = SslContextBuilder.forServer(
                            host.get().resolve("host.crt").toFile(),
                            host.get().resolve("host.key").toFile())
                    .trustManager(host.get().resolve("ca.crt").toFile())
                    .clientAuth(ClientAuth.REQUIRE)
                    .protocols("TLSv1.3");
            builder.sslContext(GrpcSslContexts.configure(tls, SslProvider.JDK).build());
        }
        server = builder.build().start();
    }

    String endpoint() {
        return "127.0.0.1:" + server.getPort();
    }

    @Override
    public void close() throws InterruptedException {
        server.shutdownNow().awaitTermination();
    }

    /** {@code ferry tls init} with these words. */
    static void init(Path directory, String... words) {
        Screen screen = new Screen();
        List<String> all = new ArrayList<>(List.of("tls", "init", "--dir", directory.toString()));
        all.addAll(List.of(words));
        assertThat(Ferry.execute(screen.terminal(false, Map.of()), all.toArray(String[]::new)))
                .as(screen.err())
                .isZero();
    }

    /** Another directory with one file of a third. */
    static Path mixed(Path base, Path other, String file, Path to) throws Exception {
        Files.createDirectories(to);
        for (String name : List.of("ca.crt", "client.crt", "client.key")) {
            Files.copy(
                    (name.equals(file) ? other : base).resolve(name),
                    to.resolve(name),
                    StandardCopyOption.COPY_ATTRIBUTES);
        }
        return to;
    }

    /** Puts one in the place of this certificate that ended a week ago. */
    static void expire(Path certificate) throws Exception {
        Path store = certificate.resolveSibling("late.p12");
        keytool("-genkeypair -alias late -keyalg EC -dname CN=late -startdate -10d -validity 3 -keystore " + store);
        keytool("-exportcert -rfc -alias late -file " + certificate + " -keystore " + store);
    }

    private static void keytool(String words) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(List.of((words + " -storetype PKCS12 -storepass for-a-test").split(" ")));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }
}
