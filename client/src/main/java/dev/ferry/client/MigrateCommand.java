package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.Policy;
import dev.ferry.v1.StartRequest;
import java.util.UUID;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** ferry migrate. */
@Command(name = "migrate", description = "Moves a guest to another host.")
final class MigrateCommand extends Options {
    private static final int LONGEST_REQUEST_ID = 128;

    @Parameters(paramLabel = "NAME")
    String name;

    @Option(names = "--to", required = true, paramLabel = "HOST:PORT", description = "the destination's peer address")
    String to;

    @Option(names = "--wait", description = "show progress on stderr and return when it has ended")
    boolean wait;

    @Option(names = "--precopy-rounds", paramLabel = "N", description = "at most so many rounds; 0: no pre-copy")
    Integer rounds;

    @Option(names = "--precopy-seconds", paramLabel = "S", description = "at most so long")
    Double seconds;

    @Option(
            names = "--bandwidth",
            paramLabel = "RATE",
            converter = Rate.class,
            description = "of pre-copy: 100MB, 1GiB, 1Gbit")
    Long bandwidth;

    @Option(
            names = "--postcopy-bandwidth",
            paramLabel = "RATE",
            converter = Rate.class,
            description = "of the background push")
    Long postcopyBandwidth;

    @Option(names = "--keep-source", description = "leave the source QEMU paused instead of ending it")
    boolean keepSource;

    @Option(names = "--request-id", paramLabel = "ID", description = "the same id again is the same migration")
    String requestId;

    @Override
    void validate() {
        Endpoint.requireHostPort("--to", to);
        if (rounds != null && rounds < 0) {
            throw new UsageException("--precopy-rounds " + rounds + ": 0 or more");
        }
        if (seconds != null && !(seconds >= 0 && seconds < Double.POSITIVE_INFINITY)) {
            throw new UsageException("--precopy-seconds " + seconds + ": 0 or more");
        }
        if (requestId != null && requestId.length() > LONGEST_REQUEST_ID) {
            throw new UsageException("--request-id: at most " + LONGEST_REQUEST_ID + " characters");
        }
    }

    @Override
    int run(Session session) {
        Policy.Builder policy = Policy.newBuilder().setKeepSource(keepSource);
        if (rounds != null) {
            policy.setPrecopyRounds(rounds);
        }
        if (seconds != null) {
            policy.setPrecopySeconds(seconds);
        }
        if (bandwidth != null) {
            policy.setBandwidthBytesPerSecond(bandwidth);
        }
        if (postcopyBandwidth != null) {
            policy.setPostcopyBandwidthBytesPerSecond(postcopyBandwidth);
        }
        Migration m = session.migrations()
                .start(StartRequest.newBuilder()
                        .setGuest(name)
                        .setTo(to)
                        .setRequestId(requestId == null ? UUID.randomUUID().toString() : requestId)
                        .setPolicy(policy)
                        .build());
        if (!wait) {
            if (json()) {
                output.json(m);
            } else {
                output.out.println(m.getId());
            }
            return ExitCodes.DONE;
        }
        return MigrationCommands.finish(this, new Watcher(session, output).follow(m.getId()));
    }
}
