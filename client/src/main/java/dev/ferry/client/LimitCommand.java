package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.SetLimitsRequest;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ferry limit}: other bandwidth limits for a migration that is under way. */
@Command(name = "limit", description = "Changes the bandwidth limits of a migration while it runs.")
final class LimitCommand extends ClientCommand {
    @Parameters(paramLabel = "ID", description = "the migration")
    private String id;

    @Option(
            names = "--bandwidth",
            paramLabel = "RATE",
            description = "limit of pre-copy " + Rate.HELP + "; none: no limit; without the option it stays as it is")
    private Limit bandwidth;

    @Option(
            names = "--postcopy-bandwidth",
            paramLabel = "RATE",
            description = "the same for the background push in post-copy; demand faults are never limited")
    private Limit postcopyBandwidth;

    @Override
    int run(Ferry ferry, Connection connection) {
        if (bandwidth == null && postcopyBandwidth == null) {
            throw new UsageException("limit: say --bandwidth, --postcopy-bandwidth or both", null);
        }
        SetLimitsRequest.Builder request = SetLimitsRequest.newBuilder().setId(id);
        if (bandwidth != null) {
            request.setBandwidthBytesPerSecond(bandwidth.bytesPerSecond());
        }
        if (postcopyBandwidth != null) {
            request.setPostcopyBandwidthBytesPerSecond(postcopyBandwidth.bytesPerSecond());
        }
        Migration migration = connection.migrations().setLimits(request.build());
        return print(ferry, migration, () -> MigrationTable.of(List.of(migration)));
    }
}
