package dev.ferry.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What bin/bench starts. */
@Command(
        name = "bin/bench",
        description = "Moves the same guest by Ferry and by QEMU itself, and measures what the guest feels.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class Main implements Callable<Integer> {
    @Option(names = "--runs", description = "Moves by each system.")
    int runs = 3;

    @Option(names = "--systems", split = ",", description = "Any of ferry, precopy, postcopy, preempt.")
    List<String> systems = List.of("ferry", "precopy", "postcopy", "preempt");

    @Option(names = "--memory", paramLabel = "MIB", description = "The guest's memory.")
    int memoryMib = 1024;

    @Option(names = "--vcpus")
    int vcpus = 1;

    @Option(names = "--pattern", description = "random, seq or hot.")
    String pattern = "random";

    @Option(names = "--rate", description = "Page touches a second and vCPU; 0: as many as it can.")
    int rate = 0;

    @Option(names = "--write", paramLabel = "PERCENT", description = "Share of the touches that write.")
    int writePercent = 20;

    @Option(names = "--fill", paramLabel = "PERCENT", description = "Share of the memory that is not zero.")
    int fillPercent = 100;

    @Option(names = "--precopy-rounds", paramLabel = "N", description = "Ferry's limit.")
    Integer precopyRounds;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Main()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        Scenario scenario = new Scenario(
                "base",
                memoryMib,
                vcpus,
                pattern,
                rate,
                writePercent,
                fillPercent,
                precopyRounds == null ? OptionalInt.empty() : OptionalInt.of(precopyRounds),
                0);
        try (Lab lab = new Lab(Path.of(System.getProperty("ferry.repository")), Link.loopback())) {
            List<Mover> movers = new ArrayList<>();
            for (String system : systems) {
                movers.add(mover(system, lab));
            }
            List<Move> moves = new Bench(lab, System.err).interleaved(movers, scenario, runs);
            System.out.println(scenario.describe() + ", " + lab.link().describe() + ", medians of " + runs + "\n");
            System.out.println(Markdown.medians(moves));
            System.out.println(Markdown.ratios(moves, "ferry"));
        }
        return 0;
    }

    private static Mover mover(String system, Lab lab) throws Exception {
        String emulator = "qemu-system-x86_64";
        return switch (system) {
            case "ferry" -> new FerryMover(system, emulator, lab);
            case "precopy" -> new QemuMover(system, emulator, QemuMover.Mode.PRECOPY, lab);
            case "postcopy" -> new QemuMover(system, emulator, QemuMover.Mode.POSTCOPY, lab);
            case "preempt" -> new QemuMover(system, emulator, QemuMover.Mode.PREEMPT, lab);
            default -> throw new BenchException("no system is called " + system);
        };
    }
}
