package dev.ferry.bench;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/**
 * One measured move, raw.
 *
 * @param run counts from 1, for each system
 * @param cold the first move of daemons that had just been started
 * @param downtimeMs QEMU's event STOP of the source to RESUME of the destination
 * @param reportedDowntimeMs by the mover's own count
 * @param switchMs the RESUME, since the start of the move
 * @param interfaceBytes through the network interface, both directions, with all headers
 * @param cpuSeconds ferry: both daemons; QEMU: both QEMUs without their vCPU threads
 * @param histogram all first loads of pages from the start of the move to its end
 */
record Move(
        String system,
        Scenario scenario,
        int run,
        boolean cold,
        double downtimeMs,
        double reportedDowntimeMs,
        double totalMs,
        double switchMs,
        long wireBytes,
        long interfaceBytes,
        double cpuSeconds,
        long remoteFaults,
        Histogram histogram,
        List<Window> series,
        JsonNode report) {

    /** A percentile of the stalls of remote faults: of as many slowest loads as there were remote faults. */
    double stallUs(double percentile) {
        return histogram.slowestPercentileUs(remoteFaults, percentile);
    }

    @JsonIgnore
    double stallSumMs() {
        return histogram.stallSumUs() / 1e3;
    }

    /** By how much longer the guest took for its touches between start and end than it would have at the rate of before. */
    double lostMs() {
        double before =
                Statistics.median(series.stream().filter(w -> w.atMs() < 0).toList(), Window::touchesPerSecond);
        double done =
                series.stream().mapToDouble(w -> w.touchesBetween(0, totalMs)).sum();
        return totalMs - done / before * 1e3;
    }

    @JsonIgnore
    double cpuSecondsPerGb() {
        return cpuSeconds / scenario.filledGb();
    }
}
