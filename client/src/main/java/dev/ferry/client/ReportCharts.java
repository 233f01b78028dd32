package dev.ferry.client;

import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Report;
import dev.ferry.v1.ReportEvent;
import dev.ferry.v1.ReportSample;
import dev.ferry.v1.Side;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What a report shows over time. */
final class ReportCharts {
    private static final double BINARY = 1024;
    private static final double DECIMAL = 1000;
    private static final double MS_PER_S = 1000;

    private final Html html;
    private final Report report;
    private final List<ReportSample> samples;
    private final double endMs;

    /** For what the destination counts. */
    private final double windowMs;

    private final List<StateSpans.Span> spans;
    private final Scale time;
    private final List<Plot.Band> bands;

    ReportCharts(Html html, Report report) {
        this.html = html;
        this.report = report;
        this.samples = report.getSamplesList();
        this.endMs = StateSpans.endMs(report);
        this.windowMs = report.getMigration().getSide() == Side.SOURCE ? SampleRates.TOLD_MS : SampleRates.COUNTED_MS;
        this.spans = StateSpans.of(report);
        this.time = time(endMs);
        this.bands = spans.stream()
                .map(s -> new Plot.Band(s.state().name(), s.fromMs(), s.toMs()))
                .toList();
    }

    /** To its very end, so that everything below each other is at the same place. */
    private static Scale time(double endMs) {
        Scale round = Scale.linear(endMs, DECIMAL, ReportCharts::shortTime);
        double stretch = roundEnd(round, endMs);
        List<Scale.Tick> ticks = round.ticks().stream()
                .map(t -> new Scale.Tick(t.at() * stretch, t.label()))
                .filter(t -> t.at() <= 1)
                .toList();
        return new Scale() {
            @Override
            public double at(double ms) {
                return Math.max(0, Math.min(1, ms / endMs));
            }

            @Override
            public List<Tick> ticks() {
                return ticks;
            }
        };
    }

    private static double roundEnd(Scale round, double endMs) {
        double at = round.at(endMs);
        return at > 0 ? 1 / at : 1;
    }

    private static String shortTime(double ms) {
        if (ms == 0) {
            return "0";
        }
        if (ms < MS_PER_S) {
            return Units.format("%.0f ms", ms);
        }
        double s = ms / MS_PER_S;
        if (s < 120) {
            return s == Math.rint(s) ? Units.format("%.0f s", s) : Units.format("%.1f s", s);
        }
        return Units.format("%.0f min", s / 60);
    }

    /** Without a zero behind the point: what is at an axis is round. */
    static String bare(String number) {
        return number.replace(".0 ", " ").replace(".00 ", " ");
    }

    /** {@code 4.2 ms}, {@code 281 ms}, {@code 3.45 s}. */
    static String coarse(double ms) {
        return ms >= MS_PER_S ? Units.duration(ms) : Units.format(ms < 10 ? "%.1f ms" : "%.0f ms", ms);
    }

    void write() {
        timeline();
        if (samples.size() > 1) {
            html.open("section").leaf("h2", "Over time");
            rates();
            remaining();
            faults();
            latency();
            html.close();
        }
    }

    private void timeline() {
        html.open("section").leaf("h2", "States");
        html.open("div", "class", "bar", "role", "img", "aria-label", words());
        for (StateSpans.Span span : spans) {
            String title = title(span.state()) + ", " + coarse(span.ms());
            html.open(
                            "i",
                            "class",
                            span.state().name(),
                            "title",
                            title,
                            "style",
                            "left:" + Plot.percent(time.at(span.fromMs())) + ";width:"
                                    + Plot.percent(time.at(span.toMs()) - time.at(span.fromMs())))
                    .close();
        }
        html.close();
        marks();
        Map<String, String[]> keys = new LinkedHashMap<>();
        StateSpans.sums(spans).forEach((state, ms) -> keys.put(title(state), new String[] {state.name(), coarse(ms)}));
        ReportPage.keys(html, keys);
        html.close();
    }

    private String words() {
        return spans.stream()
                .map(s -> title(s.state()) + " " + coarse(s.ms()))
                .collect(Collectors.joining(", ", "States in order: ", "."));
    }

    static String title(MigrationState state) {
        return switch (state) {
            case PREPARING -> "Preparing";
            case PRECOPY -> "Pre-copy";
            case SWITCHOVER -> "Switchover";
            case POSTCOPY -> "Post-copy";
            case RECOVERING -> "Recovering";
            case COMPLETED -> "Completed";
            case CANCELLED -> "Cancelled";
            case FAILED -> "Failed";
            case MIGRATION_STATE_UNSPECIFIED, UNRECOGNIZED -> "Unknown";
        };
    }

    /** What happened beside the changes of state. */
    private void marks() {
        List<ReportEvent> events = report.getEventsList().stream()
                .filter(e -> !e.getKind().equals("STATE"))
                .toList();
        if (events.isEmpty()) {
            return;
        }
        html.open("div", "class", "marks", "aria-hidden", "true");
        for (ReportEvent e : events) {
            html.open(
                            "i",
                            "class",
                            kind(e),
                            "title",
                            e.getText(),
                            "style",
                            "left:" + Plot.percent(time.at(e.getAtMs())))
                    .close();
        }
        html.close();
    }

    /** A class of the style sheet, not a word of a stranger. */
    private static String kind(ReportEvent e) {
        return e.getKind().matches("[A-Z_]{1,20}") ? e.getKind() : "other";
    }

    private void rates() {
        List<Plot.Point> precopy =
                SampleRates.of(samples, SampleRates.COUNTED_MS, endMs, ReportSample::getPrecopyBytes);
        List<Plot.Point> pushed =
                SampleRates.plus(precopy, SampleRates.of(samples, windowMs, endMs, ReportSample::getPushedBytes));
        List<Plot.Point> demand =
                SampleRates.plus(pushed, SampleRates.of(samples, windowMs, endMs, ReportSample::getDemandBytes));
        List<Plot.Point> dirty = SampleRates.plain(samples, ReportSample::getDirtyRateBytesPerSecond);
        double most = Math.max(SampleRates.most(demand), SampleRates.most(dirty));
        Plot plot = new Plot(
                "rates",
                "Rate by path",
                "Bytes a second in pre-copy, by the background push and on demand; at most " + Units.rate(most) + ".",
                time,
                Scale.linear(most, BINARY, v -> bare(Units.rate(v))),
                bands);
        if (SampleRates.most(precopy) > 0) {
            plot.area("pre-copy", "precopy", precopy, List.of());
        }
        if (SampleRates.most(pushed) > SampleRates.most(precopy)
                || SampleRates.most(precopy) == 0
                || report.getMigration().getPostcopy().getPushedPages() > 0) {
            plot.area("pushed", "pushed", pushed, precopy);
            plot.area("on demand", "demand", demand, pushed);
        }
        if (SampleRates.most(dirty) > 0) {
            plot.line("dirty rate", "dirty", dirty);
        }
        plot.write(html);
    }

    private void remaining() {
        List<Plot.Point> points = SampleRates.plain(samples, ReportSample::getRemainingBytes);
        new Plot(
                        "remaining",
                        "Remaining",
                        "Bytes of memory that are still to come; at the end "
                                + Units.bytes(samples.get(samples.size() - 1).getRemainingBytes()) + ".",
                        time,
                        Scale.linear(SampleRates.most(points), BINARY, v -> bare(Units.bytes((long) v))),
                        bands)
                .area("remaining", "remaining", points, List.of())
                .write(html);
    }

    private void faults() {
        List<Plot.Point> remote = SampleRates.of(samples, windowMs, endMs, ReportSample::getRemoteFaults);
        List<Plot.Point> local = SampleRates.of(samples, windowMs, endMs, ReportSample::getLocalFaults);
        double most = Math.max(SampleRates.most(remote), SampleRates.most(local));
        if (most == 0) {
            return;
        }
        new Plot(
                        "faults",
                        "Faults a second",
                        "Faults that were answered over the network, at most "
                                + Units.format("%.0f", SampleRates.most(remote))
                                + " a second, and faults on pages that were there.",
                        time,
                        Scale.linear(most, DECIMAL, v -> Units.format("%.0f", v)),
                        bands)
                .line("local (page was there)", "local", local)
                .line("remote (over the network)", "demand", remote)
                .write(html);
    }

    private void latency() {
        List<Plot.Point> p99 = Rises.above0(SampleRates.plain(samples, ReportSample::getFaultP99Us));
        List<Plot.Point> p50 = Rises.above0(SampleRates.plain(samples, ReportSample::getFaultP50Us));
        if (p99.isEmpty()) {
            return;
        }
        boolean soFar = report.getMigration().getSide() == Side.SOURCE;
        double least = p50.stream().mapToDouble(Plot.Point::y).min().orElse(1);
        new Plot(
                        "latency",
                        "Latency of remote faults" + (soFar ? ", so far" : ""),
                        "Median and 99th percentile, from the fault read to the page placed; at most "
                                + Units.micros(SampleRates.most(p99)) + ".",
                        time,
                        Scale.logarithmic(least, SampleRates.most(p99), us -> bare(Units.micros(us))),
                        bands)
                .line("p99", "p99", p99)
                .line("median", "p50", p50)
                .write(html);
    }

    /** Points that say something. */
    private static final class Rises {
        private Rises() {}

        static List<Plot.Point> above0(List<Plot.Point> points) {
            return points.stream().filter(p -> p.y() > 0).toList();
        }
    }
}
