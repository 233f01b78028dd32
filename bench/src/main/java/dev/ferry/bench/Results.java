package dev.ferry.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** All that one run of the benchmark found, and how it is told. */
record Results(String command, Map<String, String> machine, List<Section> sections, List<Target> targets) {
    static final String DEFINITIONS = """
            Stall: the first load of a page, timed by the guest itself. The stalls of remote faults are the N slowest loads of the
            move, N being the number of remote faults that the system itself reports. Longest stall and sum of stalls: over all
            loads of the move; the sum takes those over 100 µs. Guest time lost: what its touches took longer than at the rate before
            the move, the downtime included. Downtime: QEMU's event STOP of the source to RESUME of the
            destination. Total: until nothing is left on the source; Ferry's includes the start of the destination's QEMU.
            MB on the wire: by the system's own count. CPU: Ferry's two daemons, or the two QEMUs without their vCPU threads, per
            10^9 bytes that the guest had filled. All are medians; every move was verified by the guest, every byte.
            """;

    void write(Path directory) throws IOException {
        Files.createDirectories(directory);
        ObjectMapper json = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
        json.writeValue(directory.resolve("bench.json").toFile(), this);
        Files.writeString(directory.resolve("bench.html"), new HtmlPage(this).render());
    }

    String markdown() {
        StringBuilder out = new StringBuilder("`" + command + "`\n\n");
        machine.forEach(
                (what, value) -> out.append(what).append(": ").append(value).append("  \n"));
        for (Section section : sections) {
            out.append("\n### ").append(title(section)).append('\n');
            out.append(section.floor().describe()).append("\n\n");
            out.append(section.medians().markdown());
            if (section.systems().size() > 1 && section.systems().contains("ferry")) {
                out.append('\n').append(section.ratios("ferry").markdown());
            }
            section.damaged()
                    .forEach((system, n) -> out.append(String.format(
                            Locale.ROOT,
                            "%nQEMU itself (%s) damaged the guest in %d more moves; they were repeated and do not count.%n",
                            system,
                            n)));
        }
        out.append("\n### Targets\n").append(Targets.table(targets).markdown());
        return out.append('\n').append(DEFINITIONS).toString();
    }

    static String title(Section section) {
        return section.scenario().name() + ": " + section.scenario().describe() + ", " + section.link();
    }
}
