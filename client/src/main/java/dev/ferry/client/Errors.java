package dev.ferry.client;

import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.util.List;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Errors as people read them, and the exit code of each. A stack trace only with FERRY_DEBUG=1. */
final class Errors {
    private Errors() {}

    static int usage(Terminal terminal, ParameterException error) {
        terminal.say(error.getMessage());
        UnmatchedArgumentException.printSuggestions(
                error, error.getCommandLine().getErr());
        terminal.err().println("Try: " + error.getCommandLine().getCommandSpec().qualifiedName() + " --help");
        return ExitCode.USAGE;
    }

    /** @param endpoint the daemon that was asked */
    static int report(Terminal terminal, String endpoint, Exception error) {
        if (terminal.isDebug()) {
            error.printStackTrace(terminal.err());
        }
        if (error instanceof UsageException) {
            terminal.say(error.getMessage());
            return ExitCode.USAGE;
        }
        if (error instanceof LostException) {
            terminal.say(error.getMessage());
            return ExitCode.of(Status.Code.UNAVAILABLE);
        }
        if (error instanceof StatusRuntimeException || error instanceof StatusException) {
            return rpc(terminal, endpoint, error);
        }
        terminal.say("a bug in ferry: " + error + " (FERRY_DEBUG=1 shows where)");
        return ExitCode.of(Status.Code.UNKNOWN);
    }

    private static int rpc(Terminal terminal, String endpoint, Exception error) {
        Status status = Status.fromThrowable(error);
        if (Unreachable.isMeantBy(status)) {
            terminal.say(Unreachable.text(endpoint, status));
        } else {
            String text = text(endpoint, status);
            terminal.say(text + " [" + status.getCode() + "]");
            List<String> details = Details.of(error);
            details.stream()
                    .filter(d -> !text.contains(d))
                    .forEach(d -> terminal.err().println("  " + d));
        }
        return ExitCode.of(status.getCode());
    }

    private static String text(String endpoint, Status status) {
        return switch (status.getCode()) {
            case UNIMPLEMENTED ->
                "ferryd at " + endpoint + " does not know this call: it is another version, or not ferryd";
            case DEADLINE_EXCEEDED ->
                "ferryd at " + endpoint
                        + " gave no answer in time; what was asked may still happen: look before you ask again";
            default ->
                status.getDescription() == null
                        ? "ferryd at " + endpoint + " refused without a word"
                        : status.getDescription();
        };
    }
}
