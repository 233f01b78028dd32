package dev.ferry.client;

import dev.ferry.v1.CheckRequest;
import dev.ferry.v1.CheckResponse;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** ferry check: every reason why a guest could not move; touches nothing. */
@Command(name = "check", description = "Every reason why a guest could not move, before anything is touched.")
final class CheckCommand extends Options {
    @Parameters(paramLabel = "NAME")
    String name;

    @Option(names = "--to", required = true, paramLabel = "HOST:PORT", description = "the destination's peer address")
    String to;

    @Override
    void validate() {
        Endpoint.requireHostPort("--to", to);
    }

    @Override
    int run(Session session) {
        CheckResponse r = session.migrations()
                .check(CheckRequest.newBuilder().setGuest(name).setTo(to).build());
        if (json()) {
            output.json(r);
        } else if (r.getReasonsCount() == 0) {
            output.out.println("guest " + name + " can move to " + to);
        } else {
            r.getReasonsList().forEach(x -> output.out.println(x.getCode() + ": " + x.getMessage()));
        }
        return r.getReasonsCount() == 0 ? ExitCodes.DONE : ExitCodes.MIGRATION_FAILED;
    }
}
