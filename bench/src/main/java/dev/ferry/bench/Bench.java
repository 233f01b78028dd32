package dev.ferry.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Moves guests and measures. One thread. */
final class Bench {
    private static final int READY_SECONDS = 180;
    private static final int BEFORE_MS = 1200;
    private static final int AFTER_MS = 600;

    private static final int MOST_ATTEMPTS = 8;

    private final Map<String, Integer> damaged = new TreeMap<>();
    private final Lab lab;
    private final PrintStream progress;

    Bench(Lab lab, PrintStream progress) {
        this.lab = lab;
        this.progress = progress;
    }

    /** Round robin over the movers, so that what changes on the machine meanwhile meets all of them. */
    Section interleaved(List<Mover> movers, Scenario scenario, int runs, Floor floor) throws Exception {
        progress.printf(
                "%s: %s, %s%n", scenario.name(), scenario.describe(), lab.link().describe());
        List<Move> moves = new ArrayList<>();
        damaged.clear();
        for (int run = 1; run <= runs; run++) {
            for (Mover mover : movers) {
                moves.add(verified(mover, scenario, run));
            }
        }
        return new Section(scenario, lab.link().describe(), floor, List.copyOf(moves), Map.copyOf(damaged));
    }

    /**
     * A move after which every byte was right. One by Ferry that damages the guest ends the benchmark; one by QEMU is told,
     * counted and repeated.
     */
    private Move verified(Mover mover, Scenario scenario, int run) throws Exception {
        for (int attempt = 1; ; attempt++) {
            try {
                return one(mover, scenario, run);
            } catch (DamageException e) {
                if (mover.isOurs() || attempt == MOST_ATTEMPTS) {
                    throw e;
                }
                damaged.merge(mover.name(), 1, Integer::sum);
                progress.printf("%-12s run %d  %s; the move is repeated%n", mover.name(), run, e.getMessage());
            }
        }
    }

    private Move one(Mover mover, Scenario scenario, int run) throws Exception {
        try (Mover.Attempt attempt = mover.begin(scenario)) {
            Endpoint source = attempt.source();
            source.serial.await(0, READY_SECONDS, "^READY ");
            Thread.sleep(BEFORE_MS);
            source.press('z', "^SET histogram=0");
            double cpu = attempt.cpuSeconds();
            long bytes = interfaceBytes(attempt);
            double start = Wall.nowMs();
            Mover.Outcome outcome = attempt.move();
            double cpuSeconds = attempt.cpuSeconds() - cpu;
            long interfaceBytes = interfaceBytes(attempt) - bytes;
            Endpoint destination = outcome.destination();
            int printed = look(destination);
            double stopMs = source.qmp.await("STOP", 1, data -> true).atMs();
            double resumeMs = destination.qmp.await("RESUME", 1, data -> true).atMs();
            List<SerialTail.Line> lines = new ArrayList<>(source.serial.from(0));
            lines.addAll(destination.serial.from(0));
            Move move = new Move(
                    mover.name(),
                    scenario,
                    run,
                    mover.isCold(),
                    resumeMs - stopMs,
                    outcome.reportedDowntimeMs(),
                    outcome.endMs() - start,
                    resumeMs - start,
                    outcome.wireBytes(),
                    interfaceBytes,
                    cpuSeconds,
                    outcome.remoteFaults(),
                    Histogram.parse(destination.serial.from(printed).stream()
                            .map(SerialTail.Line::text)
                            .toList()),
                    Window.parse(lines, start),
                    outcome.report());
            progress.printf(
                    "%-12s run %d  downtime %.1f ms  stall p50 %.0f p99 %.0f max %.0f us (%d remote faults)  total %.2f s"
                            + "  verified%n",
                    move.system(),
                    run,
                    move.downtimeMs(),
                    move.stallUs(50),
                    move.stallUs(99),
                    move.histogram().maxUs(),
                    move.remoteFaults(),
                    move.totalMs() / 1e3);
            return move;
        }
    }

    /** The histogram and the verification; returns where the histogram's lines begin. */
    private static int look(Endpoint destination) throws Exception {
        try {
            int printed = destination.press('h', "^HIST end");
            Thread.sleep(AFTER_MS);
            destination.verify();
            return printed;
        } catch (BenchException e) {
            throw new DamageException("the guest does not answer after the move: " + e.getMessage());
        }
    }

    private long interfaceBytes(Mover.Attempt attempt) {
        return ProcessCounters.interfaceBytes(
                attempt.sourceProcess(), lab.link().interfaceName());
    }
}
