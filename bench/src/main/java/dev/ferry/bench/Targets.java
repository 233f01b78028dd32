package dev.ferry.bench;

import java.util.ArrayList;
import java.util.List;

/** The figures that Ferry is held to, against QEMU's post-copy with preempt and against the floor of the same run. */
final class Targets {
    private static final String OURS = "ferry";
    private static final String PEER = "preempt";

    /** Switches after its first pass, like QEMU: as many faults, so that a stall is a page that came late. */
    private static final String ONE_PASS = "ferry-1";

    private final List<Section> sections;
    private final List<Target> targets = new ArrayList<>();

    private Targets(List<Section> sections) {
        this.sections = sections;
    }

    static List<Target> of(List<Section> sections) {
        Targets all = new Targets(sections);
        all.base();
        all.downtimes();
        all.shaped();
        all.demand();
        return List.copyOf(all.targets);
    }

    static Table table(List<Target> targets) {
        return new Table(
                List.of("figure", "measured", "target", "verdict"),
                targets.stream()
                        .map(t -> List.of(t.what(), t.measuredText(), t.boundText(), t.verdict()))
                        .toList());
    }

    private void base() {
        Section base = section(Scenarios.BASE);
        double floorUs = base == null
                ? Double.NaN
                : base.floor().oneCpu().remoteFaultUs().p50();
        double tcp = base == null ? Double.NaN : base.floor().tcpBytesPerSecond();
        double filled = base == null ? Double.NaN : base.scenario().filledGb() * 1e9;
        ratio("remote fault p50", base, Column.STALL_P50, 0.25);
        add(Target.atMost("remote fault p50 ÷ C floor", ours(base, Column.STALL_P50) / floorUs, "x", 3));
        ratio("remote fault p99", base, Column.STALL_P99, 0.25);
        add(Target.atMost("remote fault p99", ours(base, Column.STALL_P99), " µs", 500));
        ratio("longest stall", base, Column.STALL_MAX, 0.5);
        add(Target.atMost("longest stall", ours(base, Column.STALL_MAX), " ms", 5));
        ratio("sum of stalls", base, Column.STALL_SUM, 0.3);
        onePass("p50", base, Column.STALL_P50, 0.25);
        add(Target.atMost(
                "remote fault p50 after one pass ÷ C floor", median(base, Column.STALL_P50) / floorUs, "x", 3));
        onePass("p99", base, Column.STALL_P99, 0.25);
        add(Target.atMost("remote fault p99 after one pass", median(base, Column.STALL_P99), " µs", 500));
        ratio("downtime", base, Column.DOWNTIME, 0.6);
        add(Target.atMost("downtime", ours(base, Column.DOWNTIME), " ms", 10));
        ratio("total time", base, Column.TOTAL, 1);
        add(Target.atLeast(
                "pages that are not zero, per second of total time ÷ raw TCP",
                filled / ours(base, Column.TOTAL) / tcp,
                "x",
                0.8));
        ratio("CPU seconds per GB", base, Column.CPU, 1.5);
    }

    private void downtimes() {
        for (String name : Scenarios.DOWNTIMES) {
            add(Target.atMost("downtime, " + name, ours(section(name), Column.DOWNTIME), " ms", 10));
        }
    }

    private void shaped() {
        Section shaped = section(Scenarios.SHAPED);
        ratio("1 Gbit/s: remote fault p99", shaped, Column.STALL_P99, 0.25);
        add(Target.atMost("1 Gbit/s: remote fault p99", ours(shaped, Column.STALL_P99) / 1e3, " ms", 3));
        ratio("1 Gbit/s: total time", shaped, Column.TOTAL, 1.05);
    }

    private void demand() {
        for (String pattern : Scenarios.PATTERNS) {
            Section section = section(pattern);
            double share = section == null
                    ? Double.NaN
                    : Statistics.median(section.of(OURS), ResidualTouches::remoteFaultShare) * 100;
            add(Target.atMost("remote faults ÷ residual pages touched, " + pattern, share, " %", 5));
        }
        add(Target.atMost(
                "remote fault p50 with push ÷ without",
                ours(section(Scenarios.PUSH), Column.STALL_P50) / ours(section(Scenarios.NO_PUSH), Column.STALL_P50),
                "x",
                1.5));
    }

    private void onePass(String what, Section section, Column column, double bound) {
        double peer = section == null ? Double.NaN : section.median(PEER, column);
        add(Target.atMost(
                "remote fault " + what + " after one pass ÷ " + PEER, median(section, column) / peer, "x", bound));
    }

    private static double median(Section section, Column column) {
        return section == null || !section.systems().contains(ONE_PASS) ? Double.NaN : section.median(ONE_PASS, column);
    }

    private void ratio(String what, Section section, Column column, double bound) {
        double peer = section == null ? Double.NaN : section.median(PEER, column);
        add(Target.atMost(what + " ÷ " + PEER, ours(section, column) / peer, "x", bound));
    }

    private void add(Target target) {
        targets.add(target);
    }

    private static double ours(Section section, Column column) {
        return section == null ? Double.NaN : section.median(OURS, column);
    }

    /** Null: not part of this run. */
    private Section section(String name) {
        return sections.stream()
                .filter(s -> s.scenario().name().equals(name))
                .findFirst()
                .orElse(null);
    }
}
