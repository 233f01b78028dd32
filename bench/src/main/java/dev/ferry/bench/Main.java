package dev.ferry.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
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
    private static final String BACKPORTS = System.getProperty("ferry.bench.backports", "");

    @Option(names = "--runs", paramLabel = "N", description = "Moves by each system; the table has their medians.")
    int runs = 3;

    @Option(
            names = "--systems",
            split = ",",
            description = "Any of ferry, ferry-1, ferry-tls, ferry-1-tls, precopy, postcopy, preempt.")
    List<String> systems = List.of("ferry", "ferry-1", "precopy", "postcopy", "preempt");

    @Option(names = "--backports", description = "The QEMU from backports as well.")
    boolean backports;

    @Option(names = "--shaped", paramLabel = "RATE", description = "Over a link of this rate, as tc writes it: 1gbit.")
    String shaped;

    @Option(
            names = "--matrix",
            description = "Ferry with other sizes and loads as well: the rows of the table of targets.")
    boolean matrix;

    @Option(names = "--all", description = "Loopback, the matrix, and a link of 1 Gbit/s.")
    boolean all;

    @Option(names = "--scale", description = "Instead: what a guest's size costs, up to 1 TiB; needs no QEMU.")
    boolean scale;

    @Option(names = "--model", description = "Instead: what a guest of 1 TiB would cost, calculated.")
    boolean model;

    @Option(
            names = "--parallel",
            paramLabel = "N",
            description = "Instead: N guests one after the other, then N at once, through one pair of daemons.")
    int parallel;

    @Option(names = "--memory", paramLabel = "MIB", description = "The guest's memory.")
    int memoryMib = 1024;

    @Option(names = "--vcpus", paramLabel = "N")
    int vcpus = 1;

    @Option(names = "--pattern", description = "random, seq or hot.")
    String pattern = "random";

    @Option(names = "--rate", paramLabel = "N", description = "Page touches a second and vCPU; 0: as many as it can.")
    int rate;

    @Option(names = "--write", paramLabel = "PERCENT", description = "Share of the touches that write.")
    int writePercent = 20;

    @Option(names = "--fill", paramLabel = "PERCENT", description = "Share of the memory that is not zero.")
    int fillPercent = 100;

    @Option(names = "--precopy-rounds", paramLabel = "N", description = "Ferry's limit; -1: the daemon's default.")
    int precopyRounds = Scenario.DEFAULT_ROUNDS;

    @Option(names = "--postcopy-bandwidth", paramLabel = "B/S", description = "Ferry's limit of the push; 0: none.")
    long pushBytesPerSecond;

    @Option(names = "--out", paramLabel = "DIR", description = "For bench.json and bench.html.")
    Path out = Path.of(System.getProperty("ferry.repository", "."), "target/bench");

    private final List<Section> sections = new ArrayList<>();

    public static void main(String[] arguments) {
        CommandLine command = new CommandLine(new Main());
        command.setExecutionExceptionHandler((e, line, parsed) -> {
            System.err.println(
                    "bin/bench: " + (e instanceof BenchException || e instanceof DamageException ? e.getMessage() : e));
            return 1;
        });
        System.exit(command.execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        if (model) {
            System.out.print(Model.markdown());
            return 0;
        }
        if (scale) {
            System.out.println(new Scale(System.err).markdown());
            return 0;
        }
        Scenario base = new Scenario(
                Scenarios.BASE,
                memoryMib,
                vcpus,
                pattern,
                rate,
                writePercent,
                fillPercent,
                precopyRounds,
                pushBytesPerSecond);
        if (parallel > 0) {
            try (Lab lab = new Lab(Path.of(System.getProperty("ferry.repository")), Link.loopback())) {
                System.out.println(new Parallel(lab, System.err).measure(parallel, base, runs));
            }
            return 0;
        }
        if (shaped == null || all) {
            measure(Link.loopback(), base, matrix || all ? Scenarios.matrix(base) : List.of());
        }
        if (shaped != null || all) {
            measure(new ShapedLink(shaped == null ? "1gbit" : shaped), base.named(Scenarios.SHAPED), List.of());
        }
        Results results = new Results(command(), machine(), List.copyOf(sections), Targets.of(sections));
        results.write(out);
        System.out.println(results.markdown());
        System.out.println("Written: " + out.resolve("bench.json") + ", " + out.resolve("bench.html"));
        return 0;
    }

    /** The scenario by all systems, and the others by Ferry alone. */
    private void measure(Link link, Scenario scenario, List<Scenario> byFerry) throws Exception {
        try (Lab lab = new Lab(Path.of(System.getProperty("ferry.repository")), link)) {
            Floor floor = Floor.measure(lab);
            System.err.println(floor.describe());
            Bench bench = new Bench(lab, System.err);
            List<Mover> movers = movers(lab, scenario);
            sections.add(bench.interleaved(movers, scenario, runs, floor));
            List<Mover> ours =
                    movers.stream().filter(m -> m.name().equals("ferry")).toList();
            for (Scenario other : ours.isEmpty() ? List.<Scenario>of() : byFerry) {
                sections.add(bench.interleaved(ours, other, runs, floor));
            }
        }
    }

    private List<Mover> movers(Lab lab, Scenario scenario) throws Exception {
        List<Mover> movers = new ArrayList<>();
        for (String system : systems) {
            // Over a slow link QEMU's pre-copy of a busy guest never ends.
            if (system.equals("precopy") && scenario.name().equals(Scenarios.SHAPED)) {
                continue;
            }
            movers.add(mover(system, "", "qemu-system-x86_64", lab));
            if (backports) {
                movers.add(mover(system, "-backports", BACKPORTS, lab));
            }
        }
        return movers;
    }

    private static Mover mover(String system, String suffix, String emulator, Lab lab) throws Exception {
        String name = system + suffix;
        return switch (system) {
            case "ferry" -> new FerryMover(name, emulator, lab);
            case "ferry-1" -> new FerryMover(name, emulator, 1, false, lab);
            case "ferry-tls" -> new FerryMover(name, emulator, Scenario.DEFAULT_ROUNDS, true, lab);
            case "ferry-1-tls" -> new FerryMover(name, emulator, 1, true, lab);
            case "precopy" -> new QemuMover(name, emulator, QemuMover.Mode.PRECOPY, lab);
            case "postcopy" -> new QemuMover(name, emulator, QemuMover.Mode.POSTCOPY, lab);
            case "preempt" -> new QemuMover(name, emulator, QemuMover.Mode.PREEMPT, lab);
            default -> throw new BenchException("no system is called " + system);
        };
    }

    private String command() {
        return System.getProperty("ferry.bench.command", "bin/bench");
    }

    private Map<String, String> machine() throws IOException {
        Map<String, String> machine = new LinkedHashMap<>();
        try (Stream<String> cpu = Files.lines(Path.of("/proc/cpuinfo"))) {
            machine.put(
                    "CPU",
                    cpu.filter(l -> l.startsWith("model name"))
                                    .findFirst()
                                    .map(l -> l.substring(l.indexOf(':') + 2))
                                    .orElse("unknown")
                            + ", " + Runtime.getRuntime().availableProcessors() + " CPUs");
        }
        machine.put("Kernel", System.getProperty("os.version"));
        machine.put("Java", System.getProperty("java.vm.version"));
        machine.put("QEMU", version("qemu-system-x86_64"));
        if (backports) {
            machine.put("QEMU, backports", version(BACKPORTS));
        }
        return machine;
    }

    private static String version(String emulator) {
        return Programs.run(List.of(emulator, "--version")).lines().findFirst().orElse("unknown");
    }
}
