package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.SwitchToPostcopyRequest;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code ferry postcopy}: no more pre-copy, switch now. */
@Command(name = "postcopy", description = "Ends pre-copy: the guest is switched to the destination now.")
final class PostcopyCommand extends ClientCommand {
    @Parameters(paramLabel = "ID", description = "the migration")
    private String id;

    @Override
    int run(Ferry ferry, Connection connection) {
        Migration migration = connection
                .migrations()
                .switchToPostcopy(SwitchToPostcopyRequest.newBuilder().setId(id).build());
        return print(ferry, migration, () -> MigrationTable.of(List.of(migration)));
    }
}
