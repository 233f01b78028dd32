package dev.ferry.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/**
 * A line chart as SVG text: linear or logarithmic axes with labelled ticks. Colours come from the page's style sheet, so that
 * they follow its dark mode: classes s0 to s7 for the series, and grid, axis and mark.
 */
final class Chart {
    private static final int WIDTH = 520;
    private static final int HEIGHT = 250;
    private static final int LEFT = 76;
    private static final int RIGHT = 30;
    private static final int TOP = 12;
    private static final int BOTTOM = 44;

    private final Axis x;
    private final Axis y;
    private final StringBuilder body = new StringBuilder();
    private int marks;

    /**
     * One axis.
     *
     * @param ticks where it is labelled
     * @param label of a tick
     */
    record Axis(
            String title,
            double from,
            double to,
            boolean logarithmic,
            List<Double> ticks,
            DoubleFunction<String> label) {
        static Axis linear(String title, double from, double to) {
            double step = step(to - from);
            List<Double> ticks = new ArrayList<>();
            for (double t = Math.ceil(from / step) * step; t <= to + step / 1e6; t += step) {
                ticks.add(t + 0.0); // −0 is 0
            }
            return new Axis(title, from, to, false, ticks, Axis::plain);
        }

        /** Ticks at the powers of ten; the ends are rounded to them. */
        static Axis logarithmic(String title, double from, double to) {
            double first = Math.pow(10, Math.floor(Math.log10(from)));
            List<Double> ticks = new ArrayList<>();
            double t = first;
            for (; t < to * 0.999; t *= 10) {
                ticks.add(t);
            }
            ticks.add(t);
            return new Axis(title, first, t, true, ticks, Axis::plain);
        }

        /** 0 to 1, beyond the ends where the value is. */
        double place(double value) {
            return logarithmic
                    ? (Math.log10(value) - Math.log10(from)) / (Math.log10(to) - Math.log10(from))
                    : (value - from) / (to - from);
        }

        private static double step(double span) {
            double power = Math.pow(10, Math.floor(Math.log10(span / 4)));
            double times = span / 4 / power;
            return power * (times < 2 ? 1 : times < 5 ? 2 : 5);
        }

        static String plain(double v) {
            if (Math.abs(v) >= 1000) {
                return String.format(Locale.ROOT, "%,.0f", v);
            }
            String text = String.format(Locale.ROOT, "%.2f", v);
            return text.replaceFirst("\\.?0+$", "");
        }
    }

    record Point(double x, double y) {}

    Chart(Axis x, Axis y) {
        this.x = x;
        this.y = y;
        for (double tick : y.ticks()) {
            line("grid", LEFT, atY(tick), WIDTH - RIGHT, atY(tick));
            text("end", LEFT - 6, atY(tick) + 4, y.label().apply(tick));
        }
        for (double tick : x.ticks()) {
            line("grid", atX(tick), TOP, atX(tick), HEIGHT - BOTTOM);
            text("middle", atX(tick), HEIGHT - BOTTOM + 16, x.label().apply(tick));
        }
        line("axis", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
        text("middle", (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8, x.title());
        body.append(String.format(
                Locale.ROOT,
                "<text transform=\"translate(13 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>%n",
                (TOP + HEIGHT - BOTTOM) / 2,
                Table.escape(y.title())));
    }

    /** Points outside of the axes are drawn at their edge. */
    Chart series(int style, List<Point> points) {
        StringBuilder path = new StringBuilder();
        for (Point p : points) {
            path.append(String.format(Locale.ROOT, "%.1f,%.1f ", atX(p.x()), atY(p.y())));
        }
        body.append("<polyline class=\"s")
                .append(style)
                .append("\" points=\"")
                .append(path)
                .append("\"/>\n");
        return this;
    }

    /** A vertical line with a word; each next word stands lower, so that none covers another. */
    Chart mark(double at, String word) {
        boolean left = x.place(at) > 0.7;
        line("mark", atX(at), TOP, atX(at), HEIGHT - BOTTOM);
        text(left ? "end" : "start", atX(at) + (left ? -5 : 5), TOP + 12 + 15 * marks++, word);
        return this;
    }

    String svg(String description) {
        return "<svg viewBox=\"0 0 " + WIDTH + " " + HEIGHT + "\" role=\"img\" aria-label=\""
                + Table.escape(description) + "\">\n" + body + "</svg>\n";
    }

    private double atX(double value) {
        return LEFT + clamp(x.place(value)) * (WIDTH - LEFT - RIGHT);
    }

    private double atY(double value) {
        return HEIGHT - BOTTOM - clamp(y.place(value)) * (HEIGHT - TOP - BOTTOM);
    }

    private static double clamp(double place) {
        return Math.max(0, Math.min(1, place));
    }

    private void line(String style, double x1, double y1, double x2, double y2) {
        body.append(String.format(
                Locale.ROOT,
                "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>%n",
                style,
                x1,
                y1,
                x2,
                y2));
    }

    private void text(String anchor, double atX, double atY, String text) {
        body.append(String.format(
                Locale.ROOT,
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n",
                atX,
                atY,
                anchor,
                Table.escape(text)));
    }
}
