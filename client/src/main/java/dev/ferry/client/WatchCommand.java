package dev.ferry.client;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code ferry watch}: as {@code migrate --wait}, for a migration that is under way. */
@Command(
        name = "watch",
        description = {
            "Shows a migration's progress on stderr until it has ended, then its result.",
            "On a terminal a live view; elsewhere a line a second. NO_COLOR and TERM=dumb are honoured."
        })
final class WatchCommand extends ClientCommand {
    @Parameters(paramLabel = "ID", description = "the migration")
    private String id;

    @Override
    int run(Ferry ferry, Connection connection) throws LostException {
        return Waiting.untilEnd(ferry, connection, id, false);
    }
}
