package dev.ferry.client;

import com.google.protobuf.Message;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** A command that talks to a ferryd: one connection, closed at its end. */
abstract class ClientCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public final Integer call() throws Exception {
        Ferry ferry = (Ferry) spec.root().userObject();
        try (Connection connection = new Connection(ferry.endpoint(), ferry::tls)) {
            return run(ferry, connection);
        }
    }

    /** @return the exit code */
    abstract int run(Ferry ferry, Connection connection) throws Exception;

    /** The result, to stdout, as the caller wants it. */
    static int print(Ferry ferry, Message message, Supplier<String> table) {
        switch (ferry.format()) {
            case JSON -> ferry.terminal().out().println(Json.of(message));
            case TABLE -> ferry.terminal().out().print(table.get());
        }
        return ExitCode.DONE;
    }
}
