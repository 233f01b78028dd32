package dev.ferry.net;

import io.grpc.Attributes;
import io.grpc.Grpc;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is at the other end of a TCP connection that has said its first words.
 *
 * @param who for limits: the first name of its certificate; its address where it has none
 * @param address for people
 * @param isProven it has a certificate of the CA
 * @param names DNS names and IP addresses of the certificate
 * @param mayServe whether that certificate may be a host's; a client's says that it is only that
 */
public record Remote(String who, String address, boolean isProven, List<String> names, boolean mayServe) {
    /** Of every call over such a connection. */
    public static final Attributes.Key<Remote> KEY = Attributes.Key.create("ferry-remote");

    private static final Logger LOG = LoggerFactory.getLogger(Remote.class);

    static Remote of(InetSocketAddress remote, Attributes attributes) {
        String address = remote.getAddress().getHostAddress();
        String place = (address.contains(":") ? "[" + address + "]" : address) + ":" + remote.getPort();
        SSLSession session = attributes.get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
        if (session == null) {
            return new Remote(address, place, false, List.of(), false);
        }
        try {
            X509Certificate certificate = (X509Certificate) session.getPeerCertificates()[0];
            List<String> names = CertificateNames.of(certificate);
            return new Remote(
                    names.isEmpty() ? address : names.get(0),
                    place,
                    true,
                    names,
                    CertificateNames.mayServe(certificate));
        } catch (SSLPeerUnverifiedException | CertificateException e) {
            LOG.warn("the certificate of {} cannot be read", place, e);
            return new Remote(address, place, false, List.of(), false);
        }
    }

    static SocketAddress addressOf(Attributes attributes) {
        return attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    }
}
