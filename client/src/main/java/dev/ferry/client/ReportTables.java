package dev.ferry.client;

import dev.ferry.v1.LatencyHistogram;
import dev.ferry.v1.LatencyUs;
import dev.ferry.v1.Migration;
import dev.ferry.v1.Phase;
import dev.ferry.v1.Postcopy;
import dev.ferry.v1.Precopy;
import dev.ferry.v1.Report;
import dev.ferry.v1.ReportEvent;
import dev.ferry.v1.Side;
import java.util.ArrayList;
import java.util.List;

/** What a report shows as numbers that add up. */
final class ReportTables {
    private static final double US_PER_MS = 1000;
    private static final int DOWNTIME_COLOURS = 10;

    private final Html html;
    private final Report report;
    private final Migration m;

    ReportTables(Html html, Report report) {
        this.html = html;
        this.report = report;
        this.m = report.getMigration();
    }

    void write() {
        html.open("div", "class", "two");
        downtime();
        pages();
        html.close();
        latency();
        events();
    }

    /** Rounds where the phases meet, so that what is shown adds up to what is shown. */
    private void downtime() {
        if (m.getDowntimePhasesCount() == 0) {
            return;
        }
        List<ReportPage.Part> parts = new ArrayList<>();
        double untilMs = 0;
        long shownUs = 0;
        for (Phase phase : m.getDowntimePhasesList()) {
            untilMs += phase.getMs();
            long untilUs = Math.round(untilMs * US_PER_MS);
            parts.add(new ReportPage.Part(
                    phase.getName(), "d" + parts.size() % DOWNTIME_COLOURS, phase.getMs(), ms(untilUs - shownUs)));
            shownUs = untilUs;
        }
        html.open("section").leaf("h2", "Downtime, phase by phase");
        ReportPage.bar(html, "Phases of the downtime, which add up to " + ms(shownUs), parts);
        table("Phase", "Time", parts, "Downtime", ms(shownUs));
        html.leaf(
                "p",
                "From the stop of the guest on the source to its resume at the destination. The state SWITCHOVER begins"
                        + " earlier: connections and caches are warmed up while the guest still runs.",
                "class",
                "soft");
        html.close();
    }

    private static String ms(long us) {
        return Units.format("%.3f ms", us / US_PER_MS);
    }

    private void pages() {
        Precopy pre = m.getPrecopy();
        Postcopy post = m.getPostcopy();
        List<ReportPage.Part> parts = new ArrayList<>();
        if (m.getSide() == Side.SOURCE) {
            parts.add(part("pre-copied", "precopy", pre.getPages()));
            parts.add(part("zero, not sent", "zero", pre.getZeroPages()));
        }
        parts.add(part("pushed", "pushed", post.getPushedPages()));
        parts.add(part("on demand", "demand", post.getDemandPages()));
        long sum = parts.stream().mapToLong(p -> (long) p.value()).sum();
        html.open("section").leaf("h2", "Pages by path");
        if (sum > 0) {
            ReportPage.bar(html, "Pages by path, " + sum + " in all", parts);
        }
        table("Path", "Pages", parts, "All", count(sum));
        html.leaf(
                "p",
                count(post.getResidualPages()) + " pages were residual when the guest resumed. "
                        + count(post.getLocalFaults()) + " faults found their page there and only mapped it, "
                        + count(post.getZeroPages()) + " got a zero page on the spot, "
                        + count(post.getRemoteFaults()) + " went over the network."
                        + (report.getPageBytes() > 0 ? " A page has " + Units.bytes(report.getPageBytes()) + "." : ""),
                "class",
                "soft");
        html.close();
    }

    private static ReportPage.Part part(String name, String kind, long pages) {
        return new ReportPage.Part(name, kind, pages, count(pages));
    }

    static String count(long n) {
        return Units.format("%,d", n).replace(',', '\u2009');
    }

    private void table(String first, String second, List<ReportPage.Part> rows, String all, String sum) {
        html.open("table").open("thead").open("tr");
        html.leaf("th", first, "scope", "col").leaf("th", second, "scope", "col", "class", "n");
        html.close().close().open("tbody");
        for (ReportPage.Part row : rows) {
            html.open("tr").open("th", "scope", "row");
            html.open("i", "class", "key " + row.kind())
                    .close()
                    .text(row.name())
                    .close();
            html.leaf("td", row.shown(), "class", "n").close();
        }
        html.close().open("tfoot").open("tr");
        html.leaf("th", all, "scope", "row").leaf("td", sum, "class", "n");
        html.close().close().close();
    }

    private void latency() {
        LatencyUs l = m.getPostcopy().getFaultLatencyUs();
        if (l.getCount() == 0) {
            return;
        }
        html.open("section").leaf("h2", "Latency of remote faults");
        curve(report.getFaultLatency());
        html.open("table").open("thead").open("tr");
        html.leaf("th", "Percentile", "scope", "col").leaf("th", "Latency", "scope", "col", "class", "n");
        html.close().close().open("tbody");
        row("median", l.getP50());
        row("90", l.getP90());
        row("99", l.getP99());
        row("99.9", l.getP999());
        row("worst of " + count(l.getCount()), l.getMax());
        html.close().close();
        html.leaf("p", "From the fault read to the page placed, at the destination.", "class", "soft");
        html.close();
    }

    private void row(String name, double us) {
        html.open("tr")
                .leaf("th", name, "scope", "row")
                .leaf("td", Units.micros(us), "class", "n")
                .close();
    }

    /** Percentiles on an axis where each nine takes as much room as the one before. */
    private void curve(LatencyHistogram h) {
        long total = h.getCountList().stream().mapToLong(n -> n).sum();
        if (total < 2) {
            return;
        }
        double nines = Math.max(2, Math.ceil(Math.log10((double) total)));
        List<Plot.Point> points = new ArrayList<>();
        long below = 0;
        for (int i = 0; i < h.getCountCount(); i++) {
            double us = h.getUpToNs(i) / US_PER_MS;
            points.add(new Plot.Point(nines(below, total, nines), us));
            below += h.getCount(i);
            points.add(new Plot.Point(nines(below, total, nines), us));
        }
        List<Scale.Tick> ticks = new ArrayList<>();
        for (int n = 0; n <= Math.min(nines, 6); n++) {
            ticks.add(new Scale.Tick(n / nines, n == 0 ? "0 %" : n == 1 ? "90 %" : "99" + decimals(n) + " %"));
        }
        Scale x = new Scale() {
            @Override
            public double at(double value) {
                return value / nines;
            }

            @Override
            public List<Tick> ticks() {
                return List.copyOf(ticks);
            }
        };
        new Plot(
                        "curve",
                        "By percentile",
                        "Latency over percentile, from "
                                + Units.micros(points.get(0).y()) + " to "
                                + Units.micros(points.get(points.size() - 1).y()) + ".",
                        x,
                        Scale.logarithmic(
                                points.get(0).y(),
                                points.get(points.size() - 1).y(),
                                us -> ReportCharts.bare(Units.micros(us))),
                        List.of())
                .area("latency", "demand", points, List.of())
                .write(html);
    }

    private static double nines(long below, long total, double most) {
        return below >= total ? most : Math.min(most, -Math.log10(1 - (double) below / total));
    }

    private static String decimals(int nines) {
        return nines == 2 ? "" : "." + "9".repeat(nines - 2);
    }

    private void events() {
        html.open("section").leaf("h2", "Events").open("ol", "class", "events");
        for (ReportEvent e : report.getEventsList()) {
            html.open("li").leaf("time", "+" + ReportCharts.coarse(e.getAtMs())).open("span");
            html.leaf("b", title(e)).text(e.getText().isEmpty() ? "" : " " + e.getText());
            html.text(e.getTimes() > 1 ? " (" + e.getTimes() + " times)" : "")
                    .close()
                    .close();
        }
        html.close();
        if (report.getDroppedEvents() > 0) {
            html.leaf("p", report.getDroppedEvents() + " events in the middle were not kept.", "class", "soft");
        }
        html.close();
    }

    /** What the text does not say by itself. */
    static String title(ReportEvent e) {
        return switch (e.getKind()) {
            case "STATE" -> e.getState().name();
            case "LIMITS" -> "Limits:";
            case "RECOVERY" -> "Connection lost:";
            case "DAMAGED" -> "Damaged message:";
            case "REFUSED" -> "Message refused:";
            case "GUEST_STOPPED" -> "Guest stopped";
            case "GUEST_RESUMED" -> "Guest resumed:";
            case "POISONED" -> "Poisoned:";
            default -> "";
        };
    }
}
