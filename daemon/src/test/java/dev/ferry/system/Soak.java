package dev.ferry.system;

import dev.ferry.migration.FaultPoint;
import dev.ferry.system.FaultStage.Result;
import dev.ferry.system.FaultStage.Strike;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * bin/soak: real daemons, real guests, real faults. Exit code 0: nothing was lost; 1: something was, and the logs are kept; 2:
 * usage.
 */
final class Soak {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private static final String USAGE = """
            usage: bin/soak --minutes N [--seed S]     random faults at random boundaries, moves back and forth
                   bin/soak --matrix [--fault FAULT]... [--point POINT]...   every fault at every boundary, once""";

    /** After so many moves a new stage: another link, another size. */
    private static final int MOVES_A_STAGE = 25;

    private final List<Fault> faults = new ArrayList<>();
    private final List<FaultPoint> points = new ArrayList<>();
    private final Map<Fault, Integer> struckByFault = new EnumMap<>(Fault.class);
    private final Map<FaultPoint, Integer> struckByPoint = new EnumMap<>(FaultPoint.class);
    private final Map<Verdict, Integer> verdicts = new EnumMap<>(Verdict.class);
    private final Map<Fault, Long> longest = new EnumMap<>(Fault.class);
    private long minutes;
    private long seed = System.nanoTime() & 0xffffff;
    private boolean matrix;
    private int moves;
    private FaultStage stage;
    private boolean ending;

    private Soak() {}

    public static void main(String[] args) throws Exception {
        Soak soak = new Soak();
        if (!soak.parse(args)) {
            System.err.println(USAGE);
            System.exit(2);
        }
        Thread hook = new Thread(soak::endNow, "end");
        Runtime.getRuntime().addShutdownHook(hook);
        boolean whole = soak.matrix ? soak.matrix() : soak.random();
        System.exit(whole ? 0 : 1);
    }

    private boolean parse(String[] args) {
        try {
            for (int i = 0; i < args.length; i++) {
                switch (args[i]) {
                    case "--minutes" -> minutes = Long.parseLong(args[++i]);
                    case "--seed" -> seed = Long.parseLong(args[++i]);
                    case "--fault" -> faults.add(Fault.valueOf(args[++i]));
                    case "--point" -> points.add(FaultPoint.valueOf(args[++i]));
                    case "--matrix" -> matrix = true;
                    default -> {
                        return false;
                    }
                }
            }
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            return false;
        }
        return matrix != minutes > 0;
    }

    /** Ctrl-C, and the end: nothing stays. */
    private void endNow() {
        synchronized (this) {
            ending = true;
        }
        try {
            if (stage != null) {
                stage.close();
            }
        } catch (Exception e) {
            System.err.println("soak: cleaning up: " + e);
        }
    }

    private synchronized void checkGoesOn() throws InterruptedException {
        while (ending) {
            wait(); // the virtual machine ends
        }
    }

    private boolean matrix() throws Exception {
        List<FaultPoint> rows = points.isEmpty() ? List.copyOf(Verdict.ofMoves()) : points;
        List<Fault> columns = faults.isEmpty() ? List.of(Fault.values()) : faults;
        Map<FaultPoint, Map<Fault, String>> table = new TreeMap<>();
        boolean whole = true;
        stage = new FaultStage("64MiB", "");
        for (FaultPoint point : rows) {
            for (Fault fault : columns) {
                if (!Verdict.exists(point, fault)) {
                    table.computeIfAbsent(point, p -> new EnumMap<>(Fault.class))
                            .put(fault, "-");
                    continue;
                }
                Result result = attempt(new Strike(point, FaultMatrixTest.pass(point), fault), null);
                String cell = result == null
                        ? "LOST"
                        : switch (result.verdict()) {
                            case ON_THE_SOURCE -> "source";
                            case MOVED -> "moved";
                            case ENDED -> "ended";
                            case WAITS -> "waits";
                        };
                whole &= result != null;
                table.computeIfAbsent(point, p -> new EnumMap<>(Fault.class)).put(fault, cell);
            }
        }
        StringBuilder head = new StringBuilder("|");
        columns.forEach(f -> head.append(" | ").append(f));
        OUT.println(head.append(" |"));
        OUT.println("|---".repeat(columns.size() + 1) + "|");
        table.forEach((point, cells) -> {
            StringBuilder row = new StringBuilder("| ").append(point);
            columns.forEach(f -> row.append(" | ").append(cells.get(f)));
            OUT.println(row.append(" |"));
        });
        summary(whole ? 0 : 1);
        return whole;
    }

    private boolean random() throws Exception {
        OUT.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        long endNs = System.nanoTime() + TimeUnit.MINUTES.toNanos(minutes);
        while (System.nanoTime() < endNs) {
            boolean slow = random.nextInt(3) == 0;
            String memory = slow || random.nextBoolean() ? "128MiB" : "64MiB";
            OUT.println("stage: " + memory + (slow ? ", 1 Gbit/s" : ""));
            stage = new FaultStage(memory, slow ? "1gbit" : "");
            for (int i = 0; i < MOVES_A_STAGE && System.nanoTime() < endNs; i++) {
                Strike first = strike(random, slow);
                boolean twice =
                        Verdict.isAfterCommit(first.point()) && !first.fault().endsAQemu() && random.nextInt(3) == 0;
                if (attempt(first, twice ? inRecovery(random) : null) == null) {
                    summary(1);
                    return false;
                }
                if (i % 5 == 4) {
                    stage.verifyFromOutside();
                }
            }
            stage.close();
        }
        summary(0);
        return true;
    }

    private Strike strike(SplittableRandom random, boolean slow) {
        while (true) {
            Fault fault = fault(random);
            // Right after the switch almost every page is missing: where a slow link is worth the most.
            FaultPoint point = slow && random.nextInt(3) > 0
                    ? pick(
                            random,
                            FaultPoint.COMMIT_ANSWERED,
                            FaultPoint.PUSH_BEGUN,
                            FaultPoint.BATCH_PUSHED,
                            FaultPoint.GUEST_RESUMED,
                            FaultPoint.FAULT_ASKED,
                            FaultPoint.DEMAND_PAGE_PLACED)
                    : pick(random, Verdict.ofMoves().toArray(FaultPoint[]::new));
            if (Verdict.exists(point, fault)) {
                return new Strike(point, pass(random, point), fault);
            }
        }
    }

    private static Strike inRecovery(SplittableRandom random) {
        FaultPoint point = pick(
                random,
                FaultPoint.RECONNECTED,
                FaultPoint.RESYNCHRONISED,
                FaultPoint.FAULT_ASKED,
                FaultPoint.DEMAND_PAGE_PLACED,
                FaultPoint.BATCH_PUSHED,
                FaultPoint.EVERY_PAGE_VALID,
                FaultPoint.TRACKING_ENDED);
        Fault fault;
        do {
            fault = fault(random);
        } while (fault.endsAQemu() || fault == Fault.CUT_LONG);
        return new Strike(point, pass(random, point), fault);
    }

    /** The long ones, and those after which the guest is gone, less often. */
    private static Fault fault(SplittableRandom random) {
        Fault fault = pick(random, Fault.values());
        boolean rare = fault == Fault.CUT_LONG
                || fault == Fault.STOP_SOURCE
                || fault == Fault.STOP_DESTINATION
                || fault.endsAQemu();
        return rare && random.nextInt(3) > 0
                ? pick(random, Fault.KILL_SOURCE, Fault.KILL_DESTINATION, Fault.KILL_BOTH, Fault.CUT_SHORT, Fault.CUT)
                : fault;
    }

    private static int pass(SplittableRandom random, FaultPoint point) {
        return switch (point) {
            case BATCH_PUSHED -> 1 + random.nextInt(100);
            case FAULT_ASKED, DEMAND_PAGE_PLACED -> 10 + random.nextInt(10);
            default -> 1;
        };
    }

    @SafeVarargs
    private static <T> T pick(SplittableRandom random, T... all) {
        return all[random.nextInt(all.length)];
    }

    /** Null: lost; said, and the logs are kept. */
    private Result attempt(Strike strike, Strike again) throws Exception {
        checkGoesOn();
        moves++;
        count(strike);
        try {
            Result r = stage.move(strike, again);
            if (r.twice()) {
                count(again);
            }
            verdicts.merge(r.verdict(), 1, Integer::sum);
            longest.merge(strike.fault(), r.firstFaultMs(), Math::max);
            OUT.printf(
                    "%4d %-24s %-20s %s%-13s %6d ms%s%n",
                    moves,
                    strike.point() + (strike.pass() > 1 ? "*" + strike.pass() : ""),
                    strike.fault(),
                    !r.twice() ? "" : "then " + again.point() + " " + again.fault() + " ",
                    r.verdict(),
                    r.totalMs(),
                    r.firstFaultMs() < 0 ? "" : ", first fault served after " + r.firstFaultMs() + " ms");
            return r;
        } catch (Exception | AssertionError e) {
            checkGoesOn();
            Path kept = Files.createTempFile("ferry-soak-", ".log");
            Files.writeString(kept, strike + " " + again + "\n" + e + "\n" + stage.logs());
            OUT.println(moves + " LOST " + strike + (again == null ? "" : " then " + again) + ": "
                    + String.valueOf(e.getMessage()).lines().findFirst().orElse("") + "; logs: " + kept);
            return null;
        }
    }

    private void count(Strike strike) {
        struckByFault.merge(strike.fault(), 1, Integer::sum);
        struckByPoint.merge(strike.point(), 1, Integer::sum);
    }

    private void summary(int lost) {
        OUT.println("moves " + moves + ", losses " + lost + ", ends " + verdicts);
        OUT.println("faults struck: " + struckByFault);
        OUT.println("at: " + struckByPoint);
        OUT.println("longest time from a fault's end to the first fault of the guest that was served, ms: " + longest);
        if (points.isEmpty() && !matrix) {
            List<FaultPoint> never = new ArrayList<>(Verdict.ofMoves());
            never.removeAll(struckByPoint.keySet());
            OUT.println("boundaries not struck: " + never);
        }
    }
}
