package dev.ferry.migration;

/**
 * How many guests may leave and arrive at once. One more is refused for now, before anything is touched; migrations of an
 * earlier daemon are counted and never refused.
 *
 * @param outbound at least 1
 * @param inbound at least 1
 */
public record MoveLimits(int outbound, int inbound) {
    static final String OUTBOUND = "OUTBOUND_LIMIT";
    static final String INBOUND = "INBOUND_LIMIT";

    /** As many guests of 1 TiB as a daemon with the options of bin/ferryd has memory for: docs/scale.md. */
    public static final MoveLimits DEFAULTS = new MoveLimits(3, 8);

    static final MoveLimits NONE = new MoveLimits(Integer.MAX_VALUE, Integer.MAX_VALUE);

    /**
     * What moves now.
     *
     * @param outbound leave, or are about to
     * @param inbound arrive, or are about to
     */
    public record Taken(int outbound, int inbound) {}

    Reason outboundReached() {
        return new Reason(
                OUTBOUND,
                outbound + " guests leave this host at once, and so many are leaving: try again when one has arrived"
                        + " (max_outbound)");
    }

    Reason inboundReached() {
        return new Reason(
                INBOUND,
                inbound + " guests arrive at the destination at once, and so many are arriving: try again when one has"
                        + " arrived, or choose another host (max_inbound there)");
    }
}
