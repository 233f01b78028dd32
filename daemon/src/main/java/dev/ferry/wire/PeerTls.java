package dev.ferry.wire;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
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
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Mutual TLS 1.3 between daemons, on every connection. Both ends show a certificate of the one CA; the source checks that the
 * destination's is for the host that it dialled, the destination that the source is one of those that may come. The files are
 * read again when they have changed, for connections that are made from then on; new ones that cannot be used are said and
 * the old ones stay. Thread-safe.
 */
public final class PeerTls {
    private static final Logger LOG = LoggerFactory.getLogger(PeerTls.class);
    private static final Context.Key<List<String>> NAMES = Context.key("ferry-peer");

    /** Of a subject alternative name, as RFC 5280 numbers them. */
    private static final int DNS_NAME = 2;

    private static final int IP_ADDRESS = 7;

    private final Path ca;
    private final Path certificate;
    private final Path key;
    private final List<String> allowed;
    private final Optional<String> authority;
    private volatile Loaded loaded;

    /** What was read, and by which files. */
    private record Loaded(SslContext server, SslContext client, List<String> names, long endsUnixMs, String stamp) {}

    /**
     * Reads the files.
     *
     * @param ca PEM, one or more certificates of authorities
     * @param certificate PEM, this host's, with the chain up to below the CA
     * @param key PEM, PKCS #8
     * @param allowed names (DNS or IP) one of which a source's certificate must have; empty: any of the CA's
     * @throws IOException says which file is wrong and why
     */
    public PeerTls(Path ca, Path certificate, Path key, List<String> allowed) throws IOException {
        this.ca = ca;
        this.certificate = certificate;
        this.key = key;
        this.allowed = List.copyOf(allowed);
        this.authority = Optional.empty();
        this.loaded = load(stamp());
    }

    private PeerTls(PeerTls other, String itself) {
        this.ca = other.ca;
        this.certificate = other.certificate;
        this.key = other.key;
        this.allowed = List.of(itself);
        this.authority = Optional.of(itself);
        this.loaded = other.loaded;
    }

    /** For connections of this host to itself, at whatever address. */
    public PeerTls toItself() {
        return new PeerTls(this, loaded.names().get(0));
    }

    private String stamp() {
        StringBuilder stamp = new StringBuilder();
        for (Path file : List.of(ca, certificate, key)) {
            try {
                stamp.append(Files.getLastModifiedTime(file).toMillis())
                        .append(' ')
                        .append(Files.getAttribute(file, "unix:ino"))
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
            names = names(own[0]);
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

    private Loaded current() {
        Loaded known = loaded;
        String stamp = stamp();
        if (stamp.equals(known.stamp())) {
            return known;
        }
        synchronized (this) {
            if (stamp.equals(loaded.stamp())) {
                return loaded;
            }
            try {
                loaded = load(stamp);
                LOG.info("{} and its key were read again", certificate);
            } catch (IOException e) {
                LOG.error("new certificates cannot be used, the old ones stay: {}", e.getMessage());
                loaded = new Loaded(loaded.server(), loaded.client(), loaded.names(), loaded.endsUnixMs(), stamp);
            }
            return loaded;
        }
    }

    /** Of this host's certificate. */
    public List<String> names() {
        return current().names();
    }

    /** When this host's certificate ends, of the Unix epoch. */
    public long endsUnixMs() {
        return current().endsUnixMs();
    }

    /** Names one of which a source must have; empty: every one of the CA's. */
    public List<String> allowed() {
        return allowed;
    }

    /** For a connection to a destination. */
    void configure(NettyChannelBuilder builder) {
        builder.sslContext(current().client());
        authority.ifPresent(builder::overrideAuthority);
    }

    /** For a server; each connection uses what is valid when it is made. */
    SslContext server() {
        return new ReloadingSslContext(() -> current().server());
    }

    /** Who calls, on a thread that serves a call: the names of its certificate, one that is allowed first; empty without TLS. */
    static List<String> callersNames() {
        List<String> names = NAMES.get();
        return names == null ? List.of() : names;
    }

    /** Lets nobody in whose certificate has none of the allowed names. */
    ServerInterceptor interceptor() {
        return new ServerInterceptor() {
            @Override
            public <Q, A> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
                SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
                List<String> names = session == null ? List.of() : names(session);
                List<String> known = names.stream()
                        .sorted(Comparator.comparing(name -> !allowed.contains(name)))
                        .toList();
                if (known.isEmpty() || (!allowed.isEmpty() && !allowed.contains(known.get(0)))) {
                    LOG.warn("a peer with the names {} is not one of {}", names, allowed);
                    call.close(
                            Status.PERMISSION_DENIED.withDescription("this host does not take guests from " + names
                                    + ": its operator has to add a name of yours to tls.allow"),
                            new Metadata());
                    return new ServerCall.Listener<>() {};
                }
                return Contexts.interceptCall(Context.current().withValue(NAMES, known), call, headers, next);
            }
        };
    }

    private static List<String> names(SSLSession session) {
        try {
            return names((X509Certificate) session.getPeerCertificates()[0]);
        } catch (SSLPeerUnverifiedException | CertificateException e) {
            LOG.warn("a peer's certificate cannot be read", e);
            return List.of();
        }
    }

    private static List<String> names(X509Certificate certificate) throws CertificateException {
        Collection<List<?>> all = certificate.getSubjectAlternativeNames();
        return all == null
                ? List.of()
                : all.stream()
                        .filter(name -> Set.of(DNS_NAME, IP_ADDRESS).contains(name.get(0)))
                        .map(name -> (String) name.get(1))
                        .toList();
    }
}
