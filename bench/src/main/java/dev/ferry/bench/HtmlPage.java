package dev.ferry.bench;

import dev.ferry.bench.Chart.Axis;
import dev.ferry.bench.Chart.Point;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** The results as one page that needs nothing else. */
final class HtmlPage {
    private static final double SHOWN_BEFORE_S = -1;
    private static final double HEADROOM = 1.25;
    /** Before it is told to verify itself. */
    private static final double SHOWN_AFTER_MS = 500;

    private static final double SHORTEST_LOAD_US = 0.1;
    /** Of loads: the percentile axis shows 1 / (1 - percentile). */
    private static final double RAREST = 1e6;

    private final Results results;

    HtmlPage(Results results) {
        this.results = results;
    }

    String render() {
        StringBuilder out = new StringBuilder("""
                <!doctype html>
                <html lang="en"><head><meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta name="color-scheme" content="light dark">
                <title>Ferry benchmark</title>
                <style>
                """);
        out.append(style()).append("</style></head><body>\n<h1>Ferry benchmark</h1>\n");
        out.append("<p><code>").append(Table.escape(results.command())).append("</code></p>\n<ul>\n");
        results.machine()
                .forEach((what, value) -> out.append("<li>")
                        .append(Table.escape(what + ": " + value))
                        .append("</li>\n"));
        out.append("</ul>\n<h2>Targets</h2>\n")
                .append(Targets.table(results.targets()).html());
        results.sections().forEach(section -> section(out, section));
        return out.append("<h2>What the figures mean</h2>\n<p>")
                .append(Table.escape(Results.DEFINITIONS))
                .append("</p>\n</body></html>\n")
                .toString();
    }

    private static void section(StringBuilder out, Section section) {
        out.append("<h2>").append(Table.escape(Results.title(section))).append("</h2>\n<p>");
        out.append(Table.escape(section.floor().describe())).append("</p>\n");
        out.append(section.medians().html());
        if (section.systems().size() > 1) {
            out.append(section.ratios("ferry").html());
        }
        List<Move> shown = section.systems().stream()
                .map(system -> middle(section.of(system)))
                .toList();
        double endS = shown.stream().mapToDouble(Move::totalMs).max().orElse(0) / 1e3 + 0.5;
        panels(
                out,
                "Longest touch in each 100 ms, through the move",
                shown,
                (move, style) -> latency(move, style, endS));
        double top = shown.stream()
                .flatMap(m -> m.series().stream())
                .mapToDouble(Window::touchesPerSecond)
                .max()
                .orElse(1);
        panels(out, "Guest throughput through the move", shown, (move, style) -> throughput(move, style, endS, top));
        out.append(
                "<h3>Latency of the guest's touches during the move, by percentile</h3>\n<div class=\"panels\"><figure>");
        legend(out, shown);
        out.append(percentiles(shown)).append("</figure></div>\n");
    }

    private interface Panel {
        String draw(Move move, int style);
    }

    private static void panels(StringBuilder out, String title, List<Move> shown, Panel panel) {
        out.append("<h3>").append(Table.escape(title)).append("</h3>\n<div class=\"panels\">\n");
        for (int i = 0; i < shown.size(); i++) {
            out.append("<figure><figcaption class=\"c")
                    .append(i)
                    .append("\">")
                    .append(Table.escape(shown.get(i).system()))
                    .append("</figcaption>\n")
                    .append(panel.draw(shown.get(i), i))
                    .append("</figure>\n");
        }
        out.append("</div>\n");
    }

    private static String latency(Move move, int style, double endS) {
        Axis y = Axis.logarithmic("longest touch, µs", 1, 100_000);
        return marked(new Chart(Axis.linear("seconds since the start of the move", SHOWN_BEFORE_S, endS), y), move)
                .series(style, line(move, w -> Math.max(1, w.maxUs())))
                .svg("Longest touch in each 100 ms of a guest moved by " + move.system());
    }

    private static String throughput(Move move, int style, double endS, double top) {
        Axis y = Axis.linear("thousand touches a second", 0, top / 1e3 * HEADROOM);
        return marked(new Chart(Axis.linear("seconds since the start of the move", SHOWN_BEFORE_S, endS), y), move)
                .series(style, line(move, w -> w.touchesPerSecond() / 1e3))
                .svg("Throughput of a guest moved by " + move.system());
    }

    private static Chart marked(Chart chart, Move move) {
        return chart.mark(0, "start").mark(move.switchMs() / 1e3, "switch").mark(move.totalMs() / 1e3, "end");
    }

    private static List<Point> line(Move move, ToDoubleFunction<Window> value) {
        return move.series().stream()
                .filter(w -> w.atMs() >= SHOWN_BEFORE_S * 1e3 && w.atMs() <= move.totalMs() + SHOWN_AFTER_MS)
                .map(w -> new Point(w.atMs() / 1e3, value.applyAsDouble(w)))
                .toList();
    }

    private static String percentiles(List<Move> shown) {
        Axis x = new Axis(
                "percentile of all touches, % (log)",
                1, RAREST, true, List.of(1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6), HtmlPage::percentile);
        Chart chart = new Chart(x, Axis.logarithmic("touch, µs", SHORTEST_LOAD_US, 100_000));
        for (int i = 0; i < shown.size(); i++) {
            List<Point> points = new ArrayList<>();
            Histogram histogram = shown.get(i).histogram();
            double most = Math.min(RAREST, (double) histogram.count());
            for (double rare = 1; rare <= most; rare *= 1.2) {
                points.add(new Point(rare, histogram.percentileUs(100 - 100 / rare)));
            }
            points.add(new Point(most, histogram.maxUs()));
            chart.series(i, points);
        }
        return chart.svg("Latency of touches by percentile, all systems");
    }

    private static String percentile(double rarity) {
        return String.format(Locale.ROOT, "%.4f", 100 - 100 / rarity).replaceFirst("\\.?0+$", "");
    }

    private static void legend(StringBuilder out, List<Move> shown) {
        out.append("<figcaption>");
        for (int i = 0; i < shown.size(); i++) {
            out.append("<span class=\"c")
                    .append(i)
                    .append("\">")
                    .append(Table.escape(shown.get(i).system()))
                    .append("</span> ");
        }
        out.append("</figcaption>\n");
    }

    /** The run that is drawn: of the middle total time. */
    private static Move middle(List<Move> moves) {
        return moves.stream()
                .sorted(Comparator.comparingDouble(Move::totalMs))
                .toList()
                .get((moves.size() - 1) / 2);
    }

    private static String style() {
        try (InputStream in = HtmlPage.class.getResourceAsStream("page.css")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
