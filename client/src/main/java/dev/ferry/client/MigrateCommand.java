package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.Policy;
import dev.ferry.v1.StartRequest;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ferry migrate}: starts a move; with {@code --wait} stays until it has ended. */
@Command(
        name = "migrate",
        description = "Moves a running guest to another host. Prints the migration's ID, or with --wait its result.")
final class MigrateCommand extends ClientCommand {
    @Parameters(paramLabel = "NAME", description = "the guest")
    private String guest;

    @Option(
            names = "--to",
            required = true,
            paramLabel = "HOST:PORT[,HOST:PORT]",
            description = "the destination's peer address; more of the same ferryd are tried when it is away")
    private PeerAddresses to;

    @Option(names = "--wait", description = "show progress on stderr until the migration has ended")
    private boolean wait;

    @Option(names = "--precopy-rounds", paramLabel = "N", description = "at most N rounds of pre-copy; 0: none")
    private Integer precopyRounds;

    @Option(names = "--precopy-seconds", paramLabel = "S", description = "at most S seconds of pre-copy")
    private Double precopySeconds;

    @Option(
            names = "--bandwidth",
            paramLabel = "RATE",
            description = "limit of pre-copy " + Rate.HELP + "; without it the daemon's own holds")
    private Rate bandwidth;

    @Option(
            names = "--postcopy-bandwidth",
            paramLabel = "RATE",
            description = "limit of the background push in post-copy; demand faults are never limited")
    private Rate postcopyBandwidth;

    @Option(names = "--keep-source", description = "leave the source QEMU paused, its memory untouched")
    private boolean keepSource;

    @Option(
            names = "--lost-page-policy",
            paramLabel = "POLICY",
            description = {
                "wait, stop or poison: what becomes of the guest at the destination when pages can no longer be had",
                "(default: the daemon's, which is wait unless configured)"
            })
    private LostPages lostPages;

    @Option(
            names = "--lost-page-limit",
            paramLabel = "SECONDS",
            description = "how long the source may be away before --lost-page-policy is applied")
    private Double lostPageLimit;

    @Option(
            names = "--request-id",
            paramLabel = "ID",
            defaultValue = "",
            description = "chosen by you: the same one again is the same migration, not a second one")
    private String requestId;

    @Override
    int run(Ferry ferry, Connection connection) throws LostException {
        StartRequest request = StartRequest.newBuilder()
                .setGuest(guest)
                .setTo(to.toString())
                .setRequestId(requestId)
                .setPolicy(policy())
                .build();
        Migration started = connection.migrations().start(request);
        if (wait) {
            return Waiting.untilEnd(ferry, connection, started.getId(), true);
        }
        return print(ferry, started, () -> started.getId() + "\n");
    }

    private Policy policy() {
        Policy.Builder policy = Policy.newBuilder().setKeepSource(keepSource);
        if (precopyRounds != null) {
            if (precopyRounds < 0) {
                throw new UsageException("--precopy-rounds: " + precopyRounds + " is less than none", null);
            }
            policy.setPrecopyRounds(precopyRounds);
        }
        if (precopySeconds != null) {
            if (!(precopySeconds >= 0 && precopySeconds < Double.POSITIVE_INFINITY)) {
                throw new UsageException("--precopy-seconds: " + precopySeconds + " is no length of time", null);
            }
            policy.setPrecopySeconds(precopySeconds);
        }
        if (bandwidth != null) {
            policy.setBandwidthBytesPerSecond(bandwidth.bytesPerSecond());
        }
        if (postcopyBandwidth != null) {
            policy.setPostcopyBandwidthBytesPerSecond(postcopyBandwidth.bytesPerSecond());
        }
        if (lostPages != null) {
            policy.setLostPagePolicy(lostPages.policy());
        }
        if (lostPageLimit != null) {
            if (!(lostPageLimit >= 0 && lostPageLimit < Double.POSITIVE_INFINITY)) {
                throw new UsageException("--lost-page-limit: " + lostPageLimit + " is no length of time", null);
            }
            policy.setLostPageLimitSeconds(lostPageLimit);
        }
        return policy.build();
    }
}
