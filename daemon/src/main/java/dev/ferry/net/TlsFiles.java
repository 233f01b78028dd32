package dev.ferry.net;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Mutual TLS 1.3 by this host's certificate and key and the CA of everybody else's. The files are read again when they have changed, for
 * connections that are made from then on; new ones that cannot be used are said, the old ones stay, and they are tried again: a certificate
 * may become valid only in a moment. Thread-safe.
 */
public final class TlsFiles {
    private static final Logger LOG = LoggerFactory.getLogger(TlsFiles.class);

    /** Between attempts to use the very same files. */
    private static final long AGAIN_NS = TimeUnit.SECONDS.toNanos(10);

    private final Path ca;
    private final Path certificate;
    private final Path key;
    /** Null: nothing was usable so far. */
    private volatile Loaded loaded;

    /** Null: the last attempt succeeded. */
    private volatile Failed failed;

    private record Failed(String stamp, long atNs, String why) {}

    /** What was read, and by which files. */
    private record Loaded(SslContext server, SslContext client, List<String> names, long endsUnixMs, String stamp) {}

    /**
     * Reads the files.
     *
     * @param ca PEM, one or more certificates of authorities
     * @param certificate PEM, this host's, with the chain up to below the CA
     * @param key PEM, PKCS #8
     * @throws IOException says which file is wrong and why
     */
    public TlsFiles(Path ca, Path certificate, Path key) throws IOException {
        this(ca, certificate, key, false);
        this.loaded = load(stamp());
    }

    private TlsFiles(Path ca, Path certificate, Path key, boolean tried) {
        this.ca = ca;
        this.certificate = certificate;
        this.key = key;
        if (tried) {
            current();
        }
    }

    /** As the constructor, but where they cannot be used there is no connection until they can. */
    public static TlsFiles usableOrLater(Path ca, Path certificate, Path key) {
        return new TlsFiles(ca, certificate, key, true);
    }

    private String stamp() {
        StringBuilder stamp = new StringBuilder();
        for (Path file : List.of(ca, certificate, key)) {
            try {
                stamp.append(Files.getLastModifiedTime(file).toMillis())
                        .append(' ')
                        .append(Files.getAttribute(file, "unix:ino"))
                        .append(' ')
                        .append(Files.size(file))
                        .append(' ');
            } catch (IOException e) {
                stamp.append("gone ");
            }
        }
        return stamp.toString();
    }

    private Loaded load(String stamp) throws IOException {
        X509Certificate[] authorities = certificates(ca);
        X509Certificate[] own = certificates(certificate);
        List<String> names;
        try {
            own[0].checkValidity();
            names = CertificateNames.of(own[0]);
        } catch (CertificateException e) {
            throw new IOException(certificate + ": not valid now: " + e.getMessage(), e);
        }
        requirePair(own[0]);
        if (names.isEmpty()) {
            throw new IOException(
                    certificate + ": has no subject alternative name (DNS or IP) by which peers could know this host");
        }
        try (InputStream chain = Files.newInputStream(certificate);
                InputStream keyIn = Files.newInputStream(key)) {
            SslContextBuilder server = SslContextBuilder.forServer(chain, keyIn)
                    .trustManager(authorities)
                    .clientAuth(ClientAuth.REQUIRE)
                    .protocols("TLSv1.3");
            SslContext forServer =
                    GrpcSslContexts.configure(server, SslProvider.OPENSSL).build();
            try (InputStream chainAgain = Files.newInputStream(certificate);
                    InputStream keyAgain = Files.newInputStream(key)) {
                SslContextBuilder client = SslContextBuilder.forClient()
                        .keyManager(chainAgain, keyAgain)
                        .trustManager(authorities)
                        .protocols("TLSv1.3");
                return new Loaded(
                        forServer,
                        GrpcSslContexts.configure(client, SslProvider.OPENSSL).build(),
                        names,
                        own[0].getNotAfter().toInstant().toEpochMilli(),
                        stamp);
            }
        } catch (IllegalArgumentException e) {
            throw new IOException(key + " and " + certificate + " cannot be used together: " + e.getMessage(), e);
        }
    }

    /** Nobody else looks whether the two belong together, until a handshake fails. */
    private void requirePair(X509Certificate own) throws IOException {
        try {
            String algorithm = own.getPublicKey().getAlgorithm();
            String pem = Files.readString(key).replaceAll("-----[A-Z ]+-----|\\s", "");
            Signature signature = Signature.getInstance("SHA256with" + ("EC".equals(algorithm) ? "ECDSA" : algorithm));
            signature.initSign(KeyFactory.getInstance(algorithm)
                    .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem))));
            signature.update(own.getEncoded());
            byte[] signed = signature.sign();
            signature.initVerify(own.getPublicKey());
            signature.update(own.getEncoded());
            if (!signature.verify(signed)) {
                throw new IOException(key + " is not the key of " + certificate);
            }
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new IOException(
                    key + ": no private key (PKCS #8, PEM, without a password) for " + certificate + ": "
                            + e.getMessage(),
                    e);
        }
    }

    private static X509Certificate[] certificates(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            Collection<? extends Certificate> all =
                    CertificateFactory.getInstance("X.509").generateCertificates(in);
            if (all.isEmpty()) {
                throw new IOException(file + ": no certificate in it");
            }
            return all.toArray(X509Certificate[]::new);
        } catch (GeneralSecurityException e) {
            throw new IOException(file + ": no certificates in PEM: " + e.getMessage(), e);
        }
    }

    /** Null: nothing was usable so far. */
    private Loaded current() {
        String stamp = stamp();
        if (isUpToDate(stamp)) {
            return loaded;
        }
        synchronized (this) {
            if (isUpToDate(stamp)) {
                return loaded;
            }
            try {
                loaded = load(stamp);
                failed = null;
                LOG.info("{} and its key were read", certificate);
            } catch (IOException e) {
                if (failed == null || !failed.stamp().equals(stamp)) {
                    LOG.error(
                            "certificates cannot be used, {}: {}",
                            loaded == null ? "there are no connections until they can" : "the old ones stay",
                            e.getMessage());
                }
                failed = new Failed(stamp, System.nanoTime(), e.getMessage());
            }
            return loaded;
        }
    }

    private boolean isUpToDate(String stamp) {
        Loaded known = loaded;
        Failed last = failed;
        return (known != null && known.stamp().equals(stamp))
                || (last != null && last.stamp().equals(stamp) && System.nanoTime() - last.atNs() < AGAIN_NS);
    }

    private Loaded usable() {
        Loaded now = current();
        if (now == null) {
            throw new FerryException(
                    ErrorCategory.UNAVAILABLE,
                    "no connection of TLS can be made, because this host's certificates cannot be used: "
                            + failed.why());
        }
        return now;
    }

    /** Of this host's certificate; empty while there is none. */
    public List<String> names() {
        Loaded now = current();
        return now == null ? List.of() : now.names();
    }

    /** When this host's certificate ends, of the Unix epoch; 0 while there is none. */
    public long endsUnixMs() {
        Loaded now = current();
        return now == null ? 0 : now.endsUnixMs();
    }

    /** For a connection that is made now. UNAVAILABLE: there is no usable certificate. */
    public SslContext client() {
        return usable().client();
    }

    /** For a server; each connection uses what is valid when it is made. */
    public SslContext server() {
        return new ReloadingSslContext(() -> usable().server());
    }
}
