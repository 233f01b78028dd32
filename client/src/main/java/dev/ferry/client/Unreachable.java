package dev.ferry.client;

import io.grpc.Status;
import java.io.IOException;

/** The connection itself failed: why, and what to look at. */
final class Unreachable {
    private Unreachable() {}

    /** ferryd may answer UNAVAILABLE too; only what failed on our side carries an IOException. */
    static boolean isMeantBy(Status status) {
        return status.getCode() == Status.Code.UNAVAILABLE && ioCause(status) != null;
    }

    static String text(String endpoint, Status status) {
        String why = reason(status);
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

    private static IOException ioCause(Status status) {
        for (Throwable t = status.getCause(); t != null; t = t.getCause()) {
            if (t instanceof IOException io) {
                return io;
            }
        }
        return null;
    }
}
