package dev.ferry.migration;

/**
 * What a scheduler says about one start, beside the policy.
 *
 * @param fingerprint equal for equal requests; compared when a request id comes again; empty: not compared
 * @param reservation of memory at the destination; empty: none
 * @param networkHoldNs how long the paused guest may wait for its networks, before the commit
 * @param networkRequired when that has run out the move is undone; else it goes on
 */
public record StartOptions(String fingerprint, String reservation, long networkHoldNs, boolean networkRequired) {
    public static final StartOptions NONE = new StartOptions("", "", 0, false);
}
