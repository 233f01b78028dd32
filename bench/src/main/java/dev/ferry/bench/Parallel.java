package dev.ferry.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Many guests through one pair of daemons: one after the other, then all at once. All of them run all the time, so that both
 * meet the same machine. Every guest checks its memory at the end.
 */
final class Parallel {
    private static final int READY_SECONDS = 180;
    private static final int MOVE_SECONDS = 300;

    private final Lab lab;
    private final PrintStream progress;

    Parallel(Lab lab, PrintStream progress) {
        this.lab = lab;
        this.progress = progress;
    }

    /** @param wallMs from the first call to the last COMPLETED */
    private record Result(double wallMs, List<One> moves) {
        double longestMs() {
            return moves.stream().mapToDouble(One::totalMs).max().orElseThrow();
        }

        double shortestMs() {
            return moves.stream().mapToDouble(One::totalMs).min().orElseThrow();
        }

        double median(java.util.function.ToDoubleFunction<One> value) {
            return moves.stream()
                    .mapToDouble(value)
                    .sorted()
                    .skip(moves.size() / 2)
                    .findFirst()
                    .orElseThrow();
        }

        double max(java.util.function.ToDoubleFunction<One> value) {
            return moves.stream().mapToDouble(value).max().orElseThrow();
        }
    }

    private record One(double totalMs, double downtimeMs, double faultMaxUs) {}

    String measure(int guests, Scenario scenario, int runs) throws Exception {
        List<String> rows = new ArrayList<>();
        try (FerryMover mover = new FerryMover("ferry", "qemu-system-x86_64", lab)) {
            run(mover, scenario, 1, false); // the first move of a daemon is not what is compared here
            for (int run = 1; run <= runs; run++) {
                Result one = run(mover, scenario, guests, false);
                rows.add(row("one after the other", guests, one, 1));
                Result all = run(mover, scenario, guests, true);
                rows.add(row("at once", guests, all, all.wallMs() / one.wallMs()));
            }
        }
        return scenario.describe()
                + "\n\n| | guests | total s | ÷ one after the other | longest ÷ shortest move | move p50 s"
                + " | downtime ms p50, max | longest fault ms |\n|---|---|---|---|---|---|---|---|\n"
                + String.join("\n", rows) + "\n";
    }

    private String row(String how, int guests, Result r, double ratio) {
        String row = String.format(
                Locale.ROOT,
                "| %s | %d | %.2f | %.2f | %.2f | %.2f | %.1f, %.1f | %.1f |",
                how,
                guests,
                r.wallMs() / 1e3,
                ratio,
                r.longestMs() / r.shortestMs(),
                r.median(One::totalMs) / 1e3,
                r.median(One::downtimeMs),
                r.max(One::downtimeMs),
                r.max(One::faultMaxUs) / 1e3);
        progress.println(row);
        return row;
    }

    private Result run(FerryMover mover, Scenario scenario, int guests, boolean atOnce) throws Exception {
        List<Mover.Attempt> attempts = new ArrayList<>();
        ExecutorService threads = Executors.newFixedThreadPool(atOnce ? guests : 1);
        try {
            for (int i = 0; i < guests; i++) {
                attempts.add(mover.begin(scenario));
            }
            for (Mover.Attempt attempt : attempts) {
                attempt.source().serial.await(0, READY_SECONDS, "^READY ");
            }
            double start = Wall.nowMs();
            List<CompletableFuture<One>> moves = attempts.stream()
                    .map(attempt -> CompletableFuture.supplyAsync(() -> move(attempt), threads))
                    .toList();
            List<One> done = new ArrayList<>();
            for (CompletableFuture<One> move : moves) {
                done.add(move.get(MOVE_SECONDS, TimeUnit.SECONDS));
            }
            double wallMs = Wall.nowMs() - start;
            for (Endpoint destination : destinations) {
                destination.verify();
            }
            return new Result(wallMs, done);
        } finally {
            threads.shutdownNow();
            destinations.clear();
            for (Mover.Attempt attempt : attempts) {
                attempt.close();
            }
        }
    }

    private final List<Endpoint> destinations = java.util.Collections.synchronizedList(new ArrayList<>());

    private One move(Mover.Attempt attempt) {
        try {
            double start = Wall.nowMs();
            Mover.Outcome outcome = attempt.move();
            destinations.add(outcome.destination());
            JsonNode latency = outcome.report().path("postcopy").path("faultLatencyUs");
            progress.printf(
                    Locale.ROOT,
                    "  %.2f s: pre-copy %d ms, downtime %.1f ms, post-copy %d ms, %d remote faults%n",
                    (outcome.endMs() - start) / 1e3,
                    outcome.report().path("precopy").path("ms").asLong(),
                    outcome.reportedDowntimeMs(),
                    outcome.report().path("postcopy").path("ms").asLong(),
                    outcome.remoteFaults());
            return new One(
                    outcome.endMs() - start,
                    outcome.reportedDowntimeMs(),
                    latency.path("max").asDouble());
        } catch (Exception e) {
            throw new BenchException("a guest did not move", e);
        }
    }
}
