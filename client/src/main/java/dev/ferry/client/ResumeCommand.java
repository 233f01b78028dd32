package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.ResumeRequest;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code ferry resume}: after a stop by the policy of lost pages. */
@Command(
        name = "resume",
        description = {
            "Lets a guest go on that --lost-page-policy stop has stopped. Say it to the ferryd of the destination.",
            "If its pages still cannot be had, it is stopped again after the limit."
        })
final class ResumeCommand extends ClientCommand {
    @Parameters(paramLabel = "ID", description = "the migration")
    private String id;

    @Override
    int run(Ferry ferry, Connection connection) {
        Migration migration = connection
                .migrations()
                .resume(ResumeRequest.newBuilder().setId(id).build());
        return print(ferry, migration, () -> MigrationTable.of(List.of(migration)));
    }
}
