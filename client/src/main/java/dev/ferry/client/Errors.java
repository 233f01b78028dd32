package dev.ferry.client;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.PrintStream;
import java.net.ConnectException;

/** Every failure in one line on stderr, and its exit code. */
final class Errors {
    private Errors() {}

    static int explain(Exception e, Output output) {
        if ("1".equals(System.getenv("FERRY_DEBUG"))) {
            e.printStackTrace(output.err);
        }
        if (e instanceof UsageException) {
            return say(output.err, e.getMessage(), ExitCodes.USAGE);
        }
        if (e instanceof NoDaemonException) {
            return say(output.err, e.getMessage(), ExitCodes.of(Status.UNAVAILABLE));
        }
        if (e instanceof StatusRuntimeException s) {
            return say(output.err, describe(s.getStatus()), ExitCodes.of(s.getStatus()));
        }
        return say(output.err, e.toString(), ExitCodes.of(Status.UNKNOWN));
    }

    private static int say(PrintStream err, String text, int code) {
        err.println("ferry: " + text.strip().replaceAll("\\s*\\R\\s*", "; "));
        return code;
    }

    private static String describe(Status status) {
        String endpoint = unreached(status) ? ": ferryd does not run, or the endpoint is wrong (--endpoint)" : "";
        return status.getCode() + ": " + why(status) + endpoint;
    }

    /** The status description; grpc's own text for a connection that failed is "io exception", the cause says more. */
    static String why(Status status) {
        if (unreached(status)) {
            Throwable cause = status.getCause();
            return cause instanceof ConnectException ? "connection refused" : String.valueOf(cause.getMessage());
        }
        return status.getDescription() == null ? "no description" : status.getDescription();
    }

    private static boolean unreached(Status status) {
        return status.getCode() == Status.Code.UNAVAILABLE && status.getCause() != null;
    }
}
