package dev.ferry.client;

import java.util.ArrayList;
import java.util.List;

/**
 * One chart. Only its shapes are SVG, stretched to the width there is; its words are HTML beside and upon it, which stay as large
 * on a telephone as everywhere.
 */
final class Plot {
    private static final int WIDTH = 1000;
    private static final int HEIGHT = 300;
    private static final int MOST_ON_A_TELEPHONE = 5;

    record Point(double x, double y) {}

    /**
     * A line or an area.
     *
     * @param kind its class in the style sheet, also the colour of its key
     * @param base of an area; null: a line
     */
    record Line(String name, String kind, List<Point> points, List<Point> base) {}

    /** Behind everything, from one x to another. */
    record Band(String kind, double from, double to) {}

    private final String id;
    private final String title;
    private final String description;
    private final Scale x;
    private final Scale y;
    private final List<Band> bands;
    private final List<Line> lines = new ArrayList<>();

    /** @param description what is to be seen, for who does not see it */
    Plot(String id, String title, String description, Scale x, Scale y, List<Band> bands) {
        this.id = id;
        this.title = title;
        this.description = description;
        this.x = x;
        this.y = y;
        this.bands = bands;
    }

    Plot line(String name, String kind, List<Point> points) {
        lines.add(new Line(name, kind, points, null));
        return this;
    }

    /** Upwards from the bottom, or from another line of as many points. */
    Plot area(String name, String kind, List<Point> points, List<Point> base) {
        lines.add(new Line(name, kind, points, base));
        return this;
    }

    void write(Html html) {
        html.open("figure", "class", "plot");
        html.open("figcaption").leaf("h3", title);
        html.open("ul", "class", "keys");
        lines.forEach(l -> html.open("li")
                .open("i", "class", "key " + l.kind())
                .close()
                .text(l.name())
                .close());
        html.close().close();
        html.open("div", "class", "canvas");
        html.open(
                "svg",
                "viewBox",
                "0 0 " + WIDTH + " " + HEIGHT,
                "preserveAspectRatio",
                "none",
                "role",
                "img",
                "aria-labelledby",
                id + "-t " + id + "-d");
        html.leaf("title", title, "id", id + "-t").leaf("desc", description, "id", id + "-d");
        for (Band band : bands) {
            double from = x.at(band.from()) * WIDTH;
            double to = x.at(band.to()) * WIDTH;
            html.open(
                            "rect",
                            "class",
                            "band " + band.kind(),
                            "x",
                            number(from),
                            "y",
                            "0",
                            "width",
                            number(Math.max(to - from, 1)),
                            "height",
                            String.valueOf(HEIGHT))
                    .close();
        }
        for (Scale.Tick tick : y.ticks()) {
            String at = number(down(tick.at()));
            html.open("line", "class", "grid", "x1", "0", "x2", "" + WIDTH, "y1", at, "y2", at)
                    .close();
        }
        lines.forEach(l -> write(html, l));
        html.close();
        for (Scale.Tick tick : y.ticks()) {
            if (tick.at() > 0) {
                html.leaf("span", tick.label(), "class", "y", "style", "top:" + percent(1 - tick.at()));
            }
        }
        html.close();
        html.open("div", "class", "xs", "aria-hidden", "true");
        boolean isCrowded = x.ticks().size() > MOST_ON_A_TELEPHONE;
        boolean isOdd = false;
        for (Scale.Tick tick : x.ticks()) {
            String place = tick.at() > 0.93 ? "right:" + percent(1 - tick.at()) : "left:" + percent(tick.at());
            String side = tick.at() > 0.93 ? " last" : tick.at() < 0.02 ? " first" : "";
            html.leaf("span", tick.label(), "class", "x" + side + (isCrowded && isOdd ? " odd" : ""), "style", place);
            isOdd = !isOdd;
        }
        html.close().close();
    }

    private void write(Html html, Line line) {
        if (line.points().isEmpty()) {
            return;
        }
        StringBuilder path = new StringBuilder();
        line.points().forEach(p -> to(path, p));
        if (line.base() == null) {
            html.open("path", "class", "line " + line.kind(), "d", path.toString())
                    .close();
            return;
        }
        StringBuilder area = new StringBuilder(path);
        if (line.base().isEmpty()) {
            area.append(" V").append(HEIGHT);
            area.append(" H").append(number(x.at(line.points().get(0).x()) * WIDTH));
        } else {
            for (int i = line.base().size() - 1; i >= 0; i--) {
                to(area, line.base().get(i));
            }
        }
        html.open("path", "class", "area " + line.kind(), "d", area + " Z").close();
        html.open("path", "class", "line " + line.kind(), "d", path.toString()).close();
    }

    private void to(StringBuilder path, Point p) {
        path.append(path.isEmpty() ? "M" : " L")
                .append(number(x.at(p.x()) * WIDTH))
                .append(' ')
                .append(number(down(y.at(p.y()))));
    }

    private static double down(double at) {
        return HEIGHT * (1 - at);
    }

    static String number(double value) {
        return Units.format("%.1f", value);
    }

    static String percent(double part) {
        return Units.format("%.2f%%", part * 100);
    }
}
