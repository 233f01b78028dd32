package dev.ferry.net;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** What a certificate says of whose it is. Stateless. */
public final class CertificateNames {
    /** Of a subject alternative name, as RFC 5280 numbers them. */
    private static final int DNS_NAME = 2;

    private static final int IP_ADDRESS = 7;

    /** RFC 5280, 4.2.1.12. */
    private static final Set<String> FOR_SERVERS = Set.of("1.3.6.1.5.5.7.3.1", "2.5.29.37.0");

    private CertificateNames() {}

    /** DNS names and IP addresses, in the certificate's order. */
    static List<String> of(X509Certificate certificate) throws CertificateException {
        Collection<List<?>> all = certificate.getSubjectAlternativeNames();
        return all == null
                ? List.of()
                : all.stream()
                        .filter(name -> Set.of(DNS_NAME, IP_ADDRESS).contains(name.get(0)))
                        .map(name -> (String) name.get(1))
                        .toList();
    }

    /** Whether a certificate's name is one of those that somebody has written down: DNS in any case, IP in any spelling. */
    public static boolean isOneOf(String name, Collection<String> said) {
        return said.stream().anyMatch(s -> plain(s).equals(plain(name)));
    }

    private static String plain(String name) {
        if (!name.contains(":")) { // only an IPv6 address has one, and more than one spelling
            return name.toLowerCase(Locale.ROOT);
        }
        try {
            return InetAddress.getByName(name).getHostAddress();
        } catch (UnknownHostException e) {
            return name;
        }
    }

    /** Whether its owner may be a host that others dial: a client's certificate says that it is only that. */
    static boolean mayServe(X509Certificate certificate) throws CertificateException {
        List<String> usages = certificate.getExtendedKeyUsage();
        return usages == null || usages.stream().anyMatch(FOR_SERVERS::contains);
    }
}
