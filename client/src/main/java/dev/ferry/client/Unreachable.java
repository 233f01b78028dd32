package dev.ferry.client;

import io.grpc.Status;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.ssl.NotSslRecordException;
import java.io.IOException;

/** The connection itself failed: why, and what to look at. */
final class Unreachable {
    private Unreachable() {}

    /** ferryd may answer UNAVAILABLE too; only what failed on our side carries a cause of these kinds. */
    static boolean isMeantBy(Status status) {
        return status.getCode() == Status.Code.UNAVAILABLE && (ioCause(status) != null || isAboutTls(status));
    }

    static String text(String endpoint, Status status) {
        KnownFerryds.NotTrusted notTrusted = cause(status, KnownFerryds.NotTrusted.class);
        if (notTrusted != null) {
            return "ferryd at " + endpoint + " is not trusted: " + notTrusted.getMessage();
        }
        String why = reason(status);
        if (cause(status, Http2Exception.class) != null) {
            return "whoever listens at " + endpoint + " does not speak as ferryd does without TLS: it wants TLS"
                    + " (leave --tls off out), or is no ferryd";
        }
        if (hungUp(status) && !endpoint.startsWith("unix:")) {
            return "ferryd at " + endpoint
                    + " has hung up: it wants TLS (leave --tls off out if you said it), it was stopped, or it"
                    + " has no room for more connections of yours";
        }
        if (cause(status, NotSslRecordException.class) != null) {
            return "ferryd at " + endpoint
                    + " speaks without TLS, its [tls] mode is \"off\": say --tls off if that is what you"
                    + " want. Nothing was sent";
        }
        if (why.contains("fatal alert")) {
            return "ferryd at " + endpoint + " refuses the client.crt that it was shown (" + why.strip()
                    + "): it is not of the CA that this ferryd has, or not for clients. --tls says where it is";
        }
        boolean isUnix = endpoint.startsWith("unix:");
        String advice = "";
        if (isUnix && why.contains("No such file")) {
            advice = ". Does ferryd run, and is this in its [control] listen?"
                    + " Another place is said with --endpoint or FERRY_ENDPOINT.";
        } else if (isUnix && why.contains("Permission denied")) {
            advice = ". The socket is for root and its group.";
        } else if (why.contains("Connection refused")) {
            advice = isUnix
                    ? ". The socket is there, but nobody listens: ferryd does not run."
                    : ". Nobody listens there: does ferryd run, and is this in its [control] listen?";
        }
        return "cannot reach ferryd at " + endpoint + ": " + why + advice;
    }

    /** In a few words. */
    static String reason(Status status) {
        IOException cause = ioCause(status);
        if (cause != null && cause.getMessage() != null) {
            return cause.getMessage();
        }
        return status.getDescription() == null ? status.getCode().name() : status.getDescription();
    }

    private static boolean isAboutTls(Status status) {
        return cause(status, Http2Exception.class) != null || hungUp(status);
    }

    /** gRPC's words, or the kernel's, for a connection that the other end has closed without any. */
    private static boolean hungUp(Status status) {
        return String.valueOf(status.getDescription()).contains("Network closed for unknown reason")
                || reason(status).contains("Connection reset");
    }

    private static IOException ioCause(Status status) {
        return cause(status, IOException.class);
    }

    private static <T extends Throwable> T cause(Status status, Class<T> kind) {
        for (Throwable t = status.getCause(); t != null; t = t.getCause()) {
            if (kind.isInstance(t)) {
                return kind.cast(t);
            }
        }
        return null;
    }
}
