package dev.ferry.client;

import dev.ferry.v1.ListRequest;
import dev.ferry.v1.ListResponse;
import picocli.CommandLine.Command;

/** {@code ferry list}: all pages of the list as one. */
@Command(name = "list", description = "Lists the migrations that this ferryd knows, the newest first.")
final class ListCommand extends ClientCommand {
    private static final int PAGE = 1000;

    @Override
    int run(Ferry ferry, Connection connection) {
        ListResponse.Builder all = ListResponse.newBuilder();
        String token = "";
        do {
            ListResponse page = connection
                    .migrations()
                    .list(ListRequest.newBuilder()
                            .setPageSize(PAGE)
                            .setPageToken(token)
                            .build());
            all.addAllMigrations(page.getMigrationsList());
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        return print(ferry, all.build(), () -> MigrationTable.of(all.getMigrationsList()));
    }
}
