package dev.ferry.client;

import dev.ferry.v1.Policy;
import picocli.CommandLine.Option;

/** The limits of a move, for every command that starts one. */
final class PolicyOptions {
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

    Policy policy() {
        Policy.Builder policy = Policy.newBuilder().setKeepSource(keepSource);
        if (precopyRounds != null) {
            if (precopyRounds < 0) {
                throw new UsageException("--precopy-rounds: " + precopyRounds + " is less than none", null);
            }
            policy.setPrecopyRounds(precopyRounds);
        }
        if (precopySeconds != null) {
            policy.setPrecopySeconds(seconds("--precopy-seconds", precopySeconds));
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
            policy.setLostPageLimitSeconds(seconds("--lost-page-limit", lostPageLimit));
        }
        return policy.build();
    }

    private static double seconds(String option, double said) {
        if (!(said >= 0 && said < Double.POSITIVE_INFINITY)) {
            throw new UsageException(option + ": " + said + " is no length of time", null);
        }
        return said;
    }
}
