package dev.ferry.client;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** Trusts the certificates of its CAs for the host that was dialled, as the JDK does, and says in words why it does not. */
final class KnownFerryds extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager inner;
    private final List<X509Certificate> authorities;
    private final Path ca;

    KnownFerryds(List<X509Certificate> authorities, Path ca) throws GeneralSecurityException, IOException {
        this.authorities = authorities;
        this.ca = ca;
        KeyStore only = KeyStore.getInstance("PKCS12");
        only.load(null, null);
        for (X509Certificate authority : authorities) {
            only.setCertificateEntry("ca " + only.size(), authority);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(only);
        TrustManager first = factory.getTrustManagers()[0];
        inner = (X509ExtendedTrustManager) first;
    }

    /** Its message is for people. */
    static final class NotTrusted extends CertificateException {
        private static final long serialVersionUID = 1;

        NotTrusted(String message, CertificateException cause) {
            super(message, cause);
        }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
        try {
            inner.checkServerTrusted(chain, type, engine);
        } catch (CertificateException e) {
            throw new NotTrusted(why(chain[0], engine.getPeerHost(), e), e);
        }
    }

    private String why(X509Certificate shown, String host, CertificateException e) {
        String names = names(shown);
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof CertificateExpiredException) {
                return "its certificate has expired, on " + shown.getNotAfter().toInstant()
                        + ": put a new one in its place there, ferryd reads it without a restart";
            }
            if (t instanceof CertificateNotYetValidException) {
                return "its certificate is not valid before "
                        + shown.getNotBefore().toInstant() + ": look at both hosts' clocks";
            }
        }
        String said = String.valueOf(e.getMessage());
        if (said.startsWith("No subject alternative") || said.startsWith("No name matching")) {
            return "its certificate is for " + names + " and not for " + host
                    + ": dial a name that it has, or make it one that has this name";
        }
        return "its certificate, for " + names + ", is not of the CA in " + ca
                + ": this is the wrong CA, or the wrong host";
    }

    private static String names(X509Certificate certificate) {
        try {
            Collection<List<?>> all = certificate.getSubjectAlternativeNames();
            return all == null || all.isEmpty()
                    ? "nobody by name"
                    : String.join(
                            ", ",
                            all.stream()
                                    .map(name -> String.valueOf(name.get(1)))
                                    .toList());
        } catch (CertificateException e) {
            return "names that cannot be read (" + e.getMessage() + ")";
        }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
        inner.checkServerTrusted(chain, type, socket);
    }

    /** Without a host to compare with. */
    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
        throw new CertificateException("the host's name has to be checked");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
        inner.checkClientTrusted(chain, type, engine);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
        inner.checkClientTrusted(chain, type, socket);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
        inner.checkClientTrusted(chain, type);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return authorities.toArray(X509Certificate[]::new);
    }
}
