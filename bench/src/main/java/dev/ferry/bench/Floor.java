package dev.ferry.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What this machine and this link give to a C program (bench/src/main/c/floor.c).
 *
 * @param oneCpu both ends on one CPU, where waking the other is cheapest: the floor that figures are held against
 * @param spread where the scheduler puts them: an idle CPU has to be woken
 */
record Floor(Latencies oneCpu, Latencies spread) {
    record Latencies(Percentiles pageRoundTripUs, Percentiles remoteFaultUs, double tcpBytesPerSecond) {}

    record Percentiles(double p50, double p99) {}

    static Floor measure(Lab lab) throws Exception {
        Path program = lab.repository().resolve("target/bench/floor");
        return new Floor(measure(lab, program, List.of("taskset", "-c", "0")), measure(lab, program, List.of()));
    }

    double tcpBytesPerSecond() {
        return Math.max(oneCpu.tcpBytesPerSecond(), spread.tcpBytesPerSecond());
    }

    String describe() {
        return String.format(
                Locale.ROOT,
                "Floor in C: page over TCP %.1f µs (p99 %.1f), whole remote fault %.1f µs (p99 %.1f) on one CPU; as scheduled"
                        + " %.1f and %.1f µs; TCP %.2f GB/s",
                oneCpu.pageRoundTripUs().p50(),
                oneCpu.pageRoundTripUs().p99(),
                oneCpu.remoteFaultUs().p50(),
                oneCpu.remoteFaultUs().p99(),
                spread.pageRoundTripUs().p50(),
                spread.remoteFaultUs().p50(),
                tcpBytesPerSecond() / 1e9);
    }

    private static Latencies measure(Lab lab, Path program, List<String> placement) throws Exception {
        Path output = lab.directory("floor").resolve("port");
        List<String> serve = new ArrayList<>(placement);
        String address = lab.link().address(Link.Host.SOURCE);
        serve.addAll(List.of(program.toString(), "serve", address));
        Process server = lab.start(Link.Host.SOURCE, serve, output);
        try {
            Wall.await("the floor's server", 5, 10, () -> port(output).matches("port \\d+\n"));
            List<String> measure = new ArrayList<>(lab.link().prefix(Link.Host.DESTINATION));
            measure.addAll(placement);
            measure.addAll(List.of(
                    program.toString(), "measure", address, port(output).strip().substring("port ".length())));
            JsonNode result = new ObjectMapper().readTree(Programs.run(measure));
            return new Latencies(
                    percentiles(result.get("pageRoundTripUs")),
                    percentiles(result.get("remoteFaultUs")),
                    result.get("tcpBytesPerSecond").asDouble());
        } finally {
            Programs.end(server);
        }
    }

    private static String port(Path output) throws IOException {
        return Files.readString(output);
    }

    private static Percentiles percentiles(JsonNode node) {
        return new Percentiles(node.get("p50").asDouble(), node.get("p99").asDouble());
    }
}
