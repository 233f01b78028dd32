package dev.ferry.client;

import dev.ferry.v1.CancelRequest;
import dev.ferry.v1.Migration;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code ferry cancel}: possible until the commit; after it ferryd refuses. */
@Command(name = "cancel", description = "Undoes a migration; returns when the guest runs on the source again.")
final class CancelCommand extends ClientCommand {
    @Parameters(paramLabel = "ID", description = "the migration")
    private String id;

    @Override
    int run(Ferry ferry, Connection connection) {
        Migration migration = connection
                .migrations()
                .cancel(CancelRequest.newBuilder().setId(id).build());
        return print(ferry, migration, () -> MigrationTable.of(List.of(migration)));
    }
}
