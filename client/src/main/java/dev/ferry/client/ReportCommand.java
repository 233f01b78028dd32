package dev.ferry.client;

import dev.ferry.v1.GetReportRequest;
import dev.ferry.v1.Report;
import dev.ferry.v1.Side;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ferry report}: how a migration went, as a page, as numbers, or in short. */
@Command(
        name = "report",
        description = {
            "Shows how a migration went, or how it goes so far: what happened when, rates, faults and their latency.",
            "ferryd keeps the records of the last hundred that have ended, also over a restart."
        })
final class ReportCommand extends ClientCommand {
    private static final Path STDOUT = Path.of("-");

    @Parameters(paramLabel = "ID", description = "the migration")
    private String id;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description = "write one page that needs nothing else (-: to stdout)")
    private Path html;

    @Option(names = "--json", description = "the whole record as JSON, to stdout; as -o json")
    private boolean json;

    @Option(
            names = "--hgrm",
            paramLabel = "FILE",
            description =
                    "write the latencies of remote faults as HdrHistogram prints percentiles, in µs (-: to stdout)")
    private Path hgrm;

    @Override
    int run(Ferry ferry, Connection connection) {
        Report report = connection
                .migrations()
                .getReport(GetReportRequest.newBuilder().setId(id).build());
        if (hgrm != null && report.getFaultLatency().getCountCount() == 0) {
            ferry.terminal().say("migration " + id + " has no latencies of remote faults: " + whyNone(report));
            return ExitCode.FAILED;
        }
        if (html != null) {
            write(ferry, html, ReportPage.of(report));
        }
        if (hgrm != null) {
            write(ferry, hgrm, Hgrm.of(report.getFaultLatency()));
        }
        if (json) {
            ferry.terminal().out().println(Json.of(report));
        } else if (html == null && hgrm == null) {
            print(ferry, report, () -> ReportText.of(report));
        }
        return ExitCode.DONE;
    }

    private static String whyNone(Report report) {
        if (report.getMigration().getSide() == Side.SOURCE && !Whereabouts.hasEnded(report.getMigration())) {
            return "the source learns them when it has completed. Ask the ferryd of the destination, "
                    + report.getMigration().getPeer() + ", for what it has now";
        }
        return "no page was fetched over the network for a fault";
    }

    private static void write(Ferry ferry, Path file, String text) {
        if (file.equals(STDOUT)) {
            ferry.terminal().out().print(text);
            ferry.terminal().out().flush();
            return;
        }
        try {
            Files.writeString(file, text, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UsageException(
                    "cannot write " + file + ": " + FileErrors.why(e)
                            + ". The record is kept by ferryd: say another file",
                    e);
        }
    }
}
