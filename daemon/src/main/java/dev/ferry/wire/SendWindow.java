package dev.ferry.wire;

/**
 * How many bytes may be under way so that a link stays full and its queue short: the rate at which acknowledgements come,
 * times the shortest round trip seen plus the time that something may wait in the queue. With a window a little larger than
 * what the link carries in a round trip, a rate that could be higher shows, and the window grows with it. Not thread-safe.
 */
final class SendWindow {
    /** Two small batches: with fewer nothing is under way while the acknowledgement of one comes back. */
    static final long LEAST_BYTES = 128L << 10;

    static final long MOST_BYTES = 4L << 20;
    private static final long SAMPLE_NS = 5_000_000;

    /** Weight of a new sample. */
    private static final double NEW = 0.3;

    private double bytesPerNs;
    private long shortestNs = Long.MAX_VALUE;
    private long sampleBeginNs;
    private long sampleBeginBytes;
    private boolean sampling;

    /**
     * @param ackedBytes acknowledged so far
     * @param roundTripNs of the batch that was acknowledged last
     * @param idle nothing is under way any more: the rate until then says nothing about the link from here on
     */
    void acknowledged(long nowNs, long ackedBytes, long roundTripNs, boolean idle) {
        shortestNs = Math.min(shortestNs, Math.max(1, roundTripNs));
        if (!sampling) {
            sampling = true;
            sampleBeginNs = nowNs;
            sampleBeginBytes = ackedBytes;
        } else if (nowNs - sampleBeginNs >= SAMPLE_NS) {
            double sample = (double) (ackedBytes - sampleBeginBytes) / (nowNs - sampleBeginNs);
            bytesPerNs = bytesPerNs == 0 ? sample : bytesPerNs + NEW * (sample - bytesPerNs);
            sampleBeginNs = nowNs;
            sampleBeginBytes = ackedBytes;
        }
        if (idle) {
            sampling = false;
        }
    }

    /** @param queueNs how long a batch may wait behind others */
    long bytes(long queueNs) {
        if (bytesPerNs == 0) {
            return MOST_BYTES / 4;
        }
        double window = bytesPerNs * ((double) shortestNs + queueNs);
        return (long) Math.max(LEAST_BYTES, Math.min(MOST_BYTES, window));
    }
}
