package dev.ferry.client;

import dev.ferry.v1.CheckRequest;
import dev.ferry.v1.CheckResponse;
import dev.ferry.v1.Reason;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ferry check}: exit code 0 when the guest can move, 1 with every reason when it cannot. */
@Command(name = "check", description = "Says every reason why a guest could not move, and touches nothing.")
final class CheckCommand extends ClientCommand {
    @Parameters(paramLabel = "NAME", description = "the guest")
    private String guest;

    @Option(
            names = "--to",
            required = true,
            paramLabel = "HOST:PORT[,HOST:PORT]",
            description = "the destination's peer address; more of the same ferryd are tried when it is away")
    private PeerAddresses to;

    @Override
    int run(Ferry ferry, Connection connection) {
        CheckResponse answer = connection
                .migrations()
                .check(CheckRequest.newBuilder()
                        .setGuest(guest)
                        .setTo(to.toString())
                        .build());
        print(ferry, answer, () -> text(answer));
        return answer.getReasonsCount() == 0 ? ExitCode.DONE : ExitCode.FAILED;
    }

    private String text(CheckResponse answer) {
        if (answer.getReasonsCount() == 0) {
            return "guest " + guest + " (" + Units.bytes(answer.getMemoryTotalBytes()) + ") can move to " + to + "\n"
                    + prediction(answer);
        }
        Table table = new Table("CODE", "REASON");
        answer.getReasonsList().forEach(r -> table.row(r.getCode(), r.getMessage()));
        boolean later = answer.getReasonsList().stream().allMatch(Reason::getTemporary);
        return "guest " + guest + " cannot move to " + to + (later ? " now" : "") + ":\n" + table;
    }

    private static String prediction(CheckResponse answer) {
        return answer.hasPredictedDowntimeMs()
                ? "with " + Units.bytes(answer.getMemoryPopulatedBytes())
                        + " in its memory, as guests before it: downtime about "
                        + Units.duration(answer.getPredictedDowntimeMs()) + ", post-copy about "
                        + Units.duration(answer.getPredictedPostcopyMs()) + "\n"
                : "";
    }
}
