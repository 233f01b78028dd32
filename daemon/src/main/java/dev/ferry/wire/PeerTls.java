package dev.ferry.wire;

import dev.ferry.net.CertificateNames;
import dev.ferry.net.Remote;
import dev.ferry.net.TlsFiles;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Mutual TLS 1.3 between daemons, on every connection. Both ends show a certificate of the one CA; the source checks that the
 * destination's is for the host that it dialled, the destination that the source is a host and one of those that may come. Thread-safe.
 */
public final class PeerTls {
    private static final Logger LOG = LoggerFactory.getLogger(PeerTls.class);
    private static final Context.Key<List<String>> NAMES = Context.key("ferry-peer");

    private final TlsFiles files;
    private volatile List<String> allowed;
    private final Optional<String> authority;

    /**
     * @param files of this host
     * @param allowed names (DNS or IP) one of which a source's certificate must have; empty: any host's of the CA
     */
    public PeerTls(TlsFiles files, List<String> allowed) {
        this(files, allowed, Optional.empty());
    }

    /** As above, with the files read. */
    public PeerTls(Path ca, Path certificate, Path key, List<String> allowed) throws IOException {
        this(new TlsFiles(ca, certificate, key), allowed);
    }

    private PeerTls(TlsFiles files, List<String> allowed, Optional<String> authority) {
        this.files = files;
        this.allowed = List.copyOf(allowed);
        this.authority = authority;
    }

    /** For connections of this host to itself, at whatever address. */
    public PeerTls toItself() {
        String itself = files.names().get(0);
        return new PeerTls(files, List.of(itself), Optional.of(itself));
    }

    /** Of this host's certificate. */
    public List<String> names() {
        return files.names();
    }

    /** When this host's certificate ends, of the Unix epoch. */
    public long endsUnixMs() {
        return files.endsUnixMs();
    }

    /** Names one of which a source must have; empty: every host of the CA. */
    public List<String> allowed() {
        return allowed;
    }

    /** From now on; for {@code allowed} see the constructor. */
    public void allow(List<String> names) {
        allowed = List.copyOf(names);
    }

    /** Looks at the files now, and not first when the next connection is made. */
    public void lookAgain() {
        files.names();
    }

    /** For a connection to a destination. */
    void configure(NettyChannelBuilder builder) {
        builder.sslContext(files.client());
        authority.ifPresent(builder::overrideAuthority);
    }

    /** For a server; each connection uses what is valid when it is made. */
    SslContext server() {
        return files.server();
    }

    /** Who calls, on a thread that serves a call: the names of its certificate, one that is allowed first; empty without TLS. */
    static List<String> callersNames() {
        List<String> names = NAMES.get();
        return names == null ? List.of() : names;
    }

    /** Lets nobody in who is no host, or whose certificate has none of the allowed names. */
    ServerInterceptor interceptor() {
        return new ServerInterceptor() {
            @Override
            public <Q, A> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
                Remote remote = call.getAttributes().get(Remote.KEY);
                List<String> names = remote == null ? List.of() : remote.names();
                List<String> mayCome = allowed;
                List<String> known = names.stream()
                        .sorted(Comparator.comparing(name -> !CertificateNames.isOneOf(name, mayCome)))
                        .toList();
                if (known.isEmpty() || (!mayCome.isEmpty() && !CertificateNames.isOneOf(known.get(0), mayCome))) {
                    LOG.warn("a peer with the names {} is not one of {}", names, mayCome);
                    return refused(
                            call,
                            "this host does not take guests from " + names
                                    + ": its operator has to add a name of yours to tls.allow");
                }
                if (!remote.mayServe()) {
                    LOG.warn("{} came to the peer address with a client's certificate", names);
                    return refused(
                            call,
                            "the certificate of " + names
                                    + " is a client's (its extended key usage lacks serverAuth), and guests come from"
                                    + " hosts only: nothing was done. \"ferry tls init HOST\" makes a host's");
                }
                return Contexts.interceptCall(Context.current().withValue(NAMES, known), call, headers, next);
            }
        };
    }

    private static <Q> ServerCall.Listener<Q> refused(ServerCall<Q, ?> call, String why) {
        call.close(Status.PERMISSION_DENIED.withDescription(why), new Metadata());
        return new ServerCall.Listener<>() {};
    }
}
