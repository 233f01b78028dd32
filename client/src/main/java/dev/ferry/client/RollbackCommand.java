package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.RollbackRequest;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ferry rollback}: the last resort after the commit; ferryd refuses it while the guest lives anywhere. */
@Command(
        name = "rollback",
        description = {
            "Lets the copy run again that is paused on the source, after the guest's QEMU at the destination has died.",
            "Returns when it runs; the migration is FAILED then, and says what was lost. Say it to the ferryd of the source."
        },
        footerHeading = "%nWhat is lost:%n",
        footer = {
            "The copy stands where it was stopped for the switch. What the guest has done since is lost to it: it does not",
            "know what is on its disks now, so a file system that was mounted may break (restart the guest when its disks",
            "were written to), and what it has said on the network was said.",
            "",
            "It is refused before the commit (ferry cancel does that), after the end, and while the guest's QEMU lives at the",
            "destination. The destination's ferryd is asked first and confirms that it never runs the guest again. If it",
            "cannot be reached, make sure that the QEMU there has ended and cannot come back (power the host off, or end the",
            "process), and say --destination-is-fenced: if that is not so, the guest runs twice."
        })
final class RollbackCommand extends ClientCommand {
    @Parameters(paramLabel = "ID", description = "the migration")
    private String id;

    @Option(names = "--accept-data-loss", description = "needed: what the guest has done since the switch is lost")
    private boolean acceptDataLoss;

    @Option(
            names = "--destination-is-fenced",
            description = "your word that the guest cannot run at the destination, should that not answer")
    private boolean destinationIsFenced;

    @Override
    int run(Ferry ferry, Connection connection) {
        Migration migration = connection
                .migrations()
                .rollback(RollbackRequest.newBuilder()
                        .setId(id)
                        .setAcceptDataLoss(acceptDataLoss)
                        .setDestinationIsFenced(destinationIsFenced)
                        .build());
        return print(ferry, migration, () -> MigrationTable.of(List.of(migration)));
    }
}
