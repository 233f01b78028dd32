package dev.ferry.client;

import dev.ferry.v1.GetRequest;
import dev.ferry.v1.Migration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code ferry show}: one migration as it is now. */
@Command(name = "show", description = "Shows a migration as it is now.")
final class ShowCommand extends ClientCommand {
    @Parameters(paramLabel = "ID", description = "the migration")
    private String id;

    @Override
    int run(Ferry ferry, Connection connection) {
        Migration migration =
                connection.migrations().get(GetRequest.newBuilder().setId(id).build());
        return print(ferry, migration, () -> Summary.of(migration));
    }
}
