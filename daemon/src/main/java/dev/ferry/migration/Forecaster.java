package dev.ferry.migration;

/**
 * Learns from the migrations that leave this host what a switch costs here. The blackout is the last dirty sync, which takes
 * as long as the one before it, and the rest, which has little to do with the guest's memory; post-copy is a time for each
 * page that is left, or what the limit of the push makes of it. Thread-safe.
 */
final class Forecaster {
    /** Of the newest migration in the averages. */
    private static final double NEWEST = 0.3;

    private static final double BASE_PAGE_BYTES = 4096;

    /** A scan of page tables: 0.2 ms a GiB, docs/scale.md. */
    private static final double SYNC_NS_PER_BYTE = 0.2e6 / (1L << 30);

    /** Before any has been seen: two cores, loopback, 1 GiB. */
    private double restNs = 12e6;

    private double pushNsPerPage = 20e3;

    /** What pre-copy leaves behind, of all that a guest has in its memory. */
    private double residualShare = 0.1;

    /**
     * @param syncNs the last dirty sync's
     * @param residualPages unsent now, before the last sync
     * @param bytesPerSecond limit of the push; 0: none
     */
    synchronized Forecast forecast(long syncNs, long residualPages, long residualBytes, long bytesPerSecond) {
        double push = residualPages * pushNsPerPage;
        double limited = bytesPerSecond == 0 ? 0 : residualBytes * 1e9 / bytesPerSecond;
        return new Forecast((long) (restNs + syncNs), (long) Math.max(push, limited));
    }

    /**
     * Of a guest that does not move yet. Nobody knows how much it writes: it is taken for as busy as those before it.
     *
     * @param populatedBytes all that it has in its memory
     */
    synchronized Forecast forecast(long populatedBytes) {
        double pages = residualShare * populatedBytes / BASE_PAGE_BYTES;
        return new Forecast((long) (restNs + SYNC_NS_PER_BYTE * populatedBytes), (long) (pages * pushNsPerPage));
    }

    /** @param firstBytes that pre-copy had to send at first; 0: there was no pre-copy */
    synchronized void sawResidual(long residualBytes, long firstBytes) {
        if (firstBytes > 0) {
            residualShare += NEWEST * (Math.min(1, (double) residualBytes / firstBytes) - residualShare);
        }
    }

    /** @param syncNs the last one before the blackout */
    synchronized void sawBlackout(long downtimeNs, long syncNs) {
        restNs += NEWEST * (Math.max(0, downtimeNs - syncNs) - restNs);
    }

    /** Of a migration whose push had no limit and whose link did not break. Few pages say little about the price of one. */
    synchronized void sawPostcopy(long ns, long residualPages) {
        if (residualPages >= 1000) {
            pushNsPerPage += NEWEST * ((double) ns / residualPages - pushNsPerPage);
        }
    }
}
