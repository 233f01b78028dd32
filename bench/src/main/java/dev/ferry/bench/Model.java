package dev.ferry.bench;

import java.util.List;
import java.util.Locale;

/**
 * What a move costs, calculated: pre-copy rounds, the blackout, and a post-copy in which the push and the faults share what is
 * left. The guest touches and writes pages at random, all of its memory, which is the worst case. docs/model.md says where the
 * figures come from and how far it is off.
 */
final class Model {
    private static final int PAGE = 4096;
    private static final double STEPS = 10_000;

    /** {@code PageRuns.MAX_RUNS}: beyond it runs are joined. */
    private static final double MOST_RUNS = 1 << 19;

    private static final double BYTES_PER_RUN = 3;
    private static final double DEVICE_STATE_BYTES = 170e3;

    private Model() {}

    /**
     * What was measured of hosts and daemons.
     *
     * @param fixedMs of the blackout: stop, device state out and in, journals, resume
     * @param scanMsPerGib the kernel's scan of what is populated
     * @param usPerRun marking, gathering, sending and applying a run of stale pages
     * @param bytesPerSecond what the daemons send in pre-copy when the link is not the limit
     * @param pushBytesPerSecond what the push sends while the guest faults all the time
     * @param faultUs a remote fault as the guest feels it
     */
    record Hosts(
            double fixedMs,
            double scanMsPerGib,
            double usPerRun,
            double bytesPerSecond,
            double pushBytesPerSecond,
            double faultUs) {}

    /** @param touchesPerSecond of each vCPU, on different pages; {@code writesPerSecond} of all of them */
    record Guest(double gib, int vcpus, double touchesPerSecond, double writesPerSecond) {
        double pages() {
            return gib * (1L << 30) / PAGE;
        }
    }

    record Prediction(
            double precopySeconds,
            double residualPages,
            double downtimeMs,
            double postcopySeconds,
            double remoteFaults,
            double mostFaultsPerSecond) {}

    static Prediction predict(Guest guest, Hosts hosts, double linkBytesPerSecond, int rounds) {
        double rate = Math.min(linkBytesPerSecond, hosts.bytesPerSecond());
        double precopy = 0;
        double toSend = guest.pages();
        for (int round = 0; round < rounds; round++) {
            double seconds = toSend * PAGE / rate;
            precopy += seconds;
            toSend = guest.pages() * (1 - Math.exp(-guest.writesPerSecond() * seconds / guest.pages()));
        }
        double share = toSend / guest.pages();
        // Without pre-copy nothing was sent, so nothing is stale.
        double runs = rounds == 0 ? 0 : Math.min(MOST_RUNS, toSend * (1 - share));
        double downtime = hosts.fixedMs()
                + hosts.scanMsPerGib() * guest.gib()
                + hosts.usPerRun() * runs / 1e3
                + (DEVICE_STATE_BYTES + BYTES_PER_RUN * runs) / rate * 1e3;
        return postcopy(guest, hosts, Math.min(rate, hosts.pushBytesPerSecond()), precopy, toSend, downtime);
    }

    /** In small steps: the fewer pages are missing, the rarer is a fault, and the less it holds the guest up. */
    private static Prediction postcopy(
            Guest guest, Hosts hosts, double pushRate, double precopy, double residual, double downtimeMs) {
        double push = pushRate / PAGE;
        double step = residual / push / STEPS;
        double left = residual;
        double seconds = 0;
        double faults = 0;
        double most = 0;
        while (left > 0) {
            double missing = left / guest.pages();
            double perSecond =
                    guest.vcpus() * missing / (1 / guest.touchesPerSecond() + missing * hosts.faultUs() / 1e6);
            most = Math.max(most, perSecond);
            faults += Math.min(left, perSecond * step);
            left -= (push + perSecond) * step;
            seconds += step;
        }
        return new Prediction(precopy, residual, downtimeMs, seconds, faults, most);
    }

    /** The table of docs/model.md. */
    static String markdown() {
        StringBuilder table = new StringBuilder(
                "| 1 TiB, 64 vCPUs | link | rounds | pre-copy s | residual GiB | downtime ms | post-copy s"
                        + " | faults/s at most | remote faults |\n|---|---|---|---|---|---|---|---|---|\n");
        for (double writes : new double[] {25_000, 250_000}) {
            Guest guest = new Guest(1024, 64, 5_000, writes);
            for (int gbit : new int[] {25, 100}) {
                for (int rounds : List.of(0, 1, 2)) {
                    double link = gbit / 8.0 * 0.95e9;
                    Prediction p = predict(guest, new Hosts(13, 0.2, 1.0, link, 0.9 * link, 60), link, rounds);
                    table.append(String.format(
                            Locale.ROOT,
                            "| %,.0f pages/s written | %d Gbit/s | %d | %.0f | %.1f | %.0f | %.1f | %,.0f | %,.0f |%n",
                            writes,
                            gbit,
                            rounds,
                            p.precopySeconds(),
                            p.residualPages() * PAGE / (1L << 30),
                            p.downtimeMs(),
                            p.postcopySeconds(),
                            p.mostFaultsPerSecond(),
                            p.remoteFaults()));
                }
            }
        }
        return table.toString();
    }
}
