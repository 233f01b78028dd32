package dev.ferry.wire;

import io.grpc.Status;
import io.netty.handler.ssl.NotSslRecordException;
import java.io.IOException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;

/** Why there is no connection, in words for people: what gRPC, Netty and OpenSSL say of it is about themselves. */
final class ConnectionError {
    /** {@code recvAddress(..) failed with error(-104): Connection reset by peer}. */
    private static final Pattern NATIVE_CALL = Pattern.compile("^\\w+\\(\\.*\\) failed with error\\(-?\\d+\\): ");

    private ConnectionError() {}

    /** Empty: not an error of a connection. */
    static Optional<String> text(Status status) {
        if (status.getCode() != Status.Code.UNAVAILABLE) {
            return Optional.empty();
        }
        String said = "";
        for (Throwable e = status.getCause(); e != null; e = e.getCause()) {
            String known = known(e);
            if (!known.isEmpty()) {
                return Optional.of(known);
            }
            if ((e instanceof IOException || said.isEmpty()) && e.getMessage() != null) {
                said = NATIVE_CALL.matcher(e.getMessage()).replaceFirst("");
            }
        }
        return said.isEmpty() ? Optional.empty() : Optional.of(said);
    }

    private static String known(Throwable e) {
        if (e instanceof CertificateExpiredException || e instanceof CertificateNotYetValidException) {
            return "its certificate is not valid now (" + e.getMessage() + "): renew it, or look at the clocks";
        }
        if (e instanceof CertPathBuilderException || e instanceof CertPathValidatorException) {
            return e.getCause() == null
                    ? "its certificate is not of the CA in this host's tls.ca: both hosts need certificates of one CA"
                    : "";
        }
        String text = String.valueOf(e.getMessage());
        if (e instanceof CertificateException && e.getCause() == null) {
            return "its certificate is not for the name that it was dialled by (" + text
                    + "): dial it by a name that the certificate has, or make one for that name";
        }
        if (e instanceof NotSslRecordException) {
            return "it does not speak TLS: is tls.mode \"off\" there, and \"mutual\" here?";
        }
        if (e instanceof SSLException && text.contains("ALERT")) {
            return "it does not accept this host's certificate (" + text + "): its log says why";
        }
        return "";
    }
}
