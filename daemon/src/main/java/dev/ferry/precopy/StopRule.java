package dev.ferry.precopy;

import java.util.Optional;

/**
 * When pre-copy ends. Another round pays as long as it leaves clearly less behind than the one before; what is left then is
 * cheaper to fetch after the switch than to send again and again.
 *
 * @param maxRounds rounds of sending; 0: none
 * @param maxNs time limit
 */
public record StopRule(int maxRounds, long maxNs) {
    /** So little that fetching it after the switch takes a few milliseconds. */
    static final long FEW_BYTES = 4L << 20;

    /** A round that leaves more than this share of what it had to send does not pay. */
    static final double WORTHWHILE = 0.7;

    /**
     * Asked after the dirty sync that follows a round.
     *
     * @param round rounds done, from 1
     * @param leftBytes dirtied while that round was sent
     * @param toSendBytes what that round had to send
     * @return the name of the rule that says stop
     */
    public Optional<String> afterRound(int round, long leftBytes, long toSendBytes, long elapsedNs) {
        if (leftBytes <= FEW_BYTES) {
            return Optional.of("converged");
        }
        if (round >= maxRounds) {
            return Optional.of("round limit");
        }
        if (elapsedNs >= maxNs) {
            return Optional.of("time limit");
        }
        if (leftBytes > WORTHWHILE * toSendBytes) {
            return Optional.of("not converging");
        }
        return Optional.empty();
    }
}
