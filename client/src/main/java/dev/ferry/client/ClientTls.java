package dev.ferry.client;

import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;

/**
 * The certificate and key by which a ferryd knows whoever uses this ferry over TCP, and the CA of its own: a directory of three files.
 * By the JDK's TLS: a command makes one connection, and nothing native has to be unpacked for it. Not loaded where a unix socket is used.
 */
final class ClientTls {
    private final Path ca;
    private final Path certificate;
    private final Path key;

    ClientTls(Path directory) {
        ca = directory.resolve("ca.crt");
        certificate = directory.resolve("client.crt");
        key = directory.resolve("client.key");
    }

    /** @throws UsageException says which file is wrong and why */
    SslContext context() {
        List<X509Certificate> authorities = read(ca); // more than one while a CA is replaced
        X509Certificate own = read(certificate).get(0);
        if (own.getNotAfter().toInstant().isBefore(Instant.now())) {
            throw new UsageException(
                    certificate + " has expired, on " + own.getNotAfter().toInstant()
                            + ": no ferryd takes it. A new one is made as this one was",
                    null);
        }
        try (InputStream chain = Files.newInputStream(certificate);
                InputStream keyIn = Files.newInputStream(key)) {
            SslContextBuilder builder = SslContextBuilder.forClient()
                    .keyManager(chain, keyIn)
                    .trustManager(new KnownFerryds(authorities, ca))
                    .protocols("TLSv1.3");
            return GrpcSslContexts.configure(builder, SslProvider.JDK).build();
        } catch (IOException e) {
            throw new UsageException(key + ": " + FileErrors.why(e), e);
        } catch (IllegalArgumentException | GeneralSecurityException e) {
            throw new UsageException(
                    key + ": no private key (PKCS #8, PEM, without a password) for " + certificate + ": "
                            + e.getMessage(),
                    e);
        }
    }

    /** Every certificate of this file, and at least one. */
    private static List<X509Certificate> read(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            List<X509Certificate> all = CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
                    .map(X509Certificate.class::cast)
                    .toList();
            if (all.isEmpty()) {
                throw new UsageException(file + ": no certificate in PEM: there is none in it", null);
            }
            return all;
        } catch (IOException e) {
            throw new UsageException(
                    file + ": " + FileErrors.why(e)
                            + ". --tls names the directory with ca.crt, client.crt and client.key, which"
                            + " \"ferry tls init --client NAME\" makes",
                    e);
        } catch (GeneralSecurityException e) {
            throw new UsageException(file + ": no certificate in PEM: " + e.getMessage(), e);
        }
    }
}
