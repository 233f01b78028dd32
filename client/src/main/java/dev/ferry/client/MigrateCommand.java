package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.StartRequest;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ferry migrate}: starts a move; with {@code --wait} stays until it has ended. */
@Command(
        name = "migrate",
        description = "Moves a running guest to another host. Prints the migration's ID, or with --wait its result.")
final class MigrateCommand extends ClientCommand {
    @Parameters(paramLabel = "NAME", description = "the guest")
    private String guest;

    @Option(
            names = "--to",
            required = true,
            paramLabel = "HOST:PORT[,HOST:PORT]",
            description = "the destination's peer address; more of the same ferryd are tried when it is away")
    private PeerAddresses to;

    @Option(names = "--wait", description = "show progress on stderr until the migration has ended")
    private boolean wait;

    @Mixin
    private PolicyOptions limits;

    @Option(
            names = "--request-id",
            paramLabel = "ID",
            defaultValue = "",
            description = "chosen by you: the same one again is the same migration, not a second one")
    private String requestId;

    @Override
    int run(Ferry ferry, Connection connection) throws LostException {
        StartRequest request = StartRequest.newBuilder()
                .setGuest(guest)
                .setTo(to.toString())
                .setRequestId(requestId)
                .setPolicy(limits.policy())
                .build();
        Migration started = connection.migrations().start(request);
        if (wait) {
            return Waiting.untilEnd(ferry, connection, started.getId(), true);
        }
        return print(ferry, started, () -> started.getId() + "\n");
    }
}
