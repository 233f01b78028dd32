package dev.ferry.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A table of text, for a terminal (which is Markdown) and for the page. The first column is left-aligned. */
record Table(List<String> head, List<List<String>> rows) {

    String markdown() {
        List<List<String>> all = new ArrayList<>();
        all.add(head);
        all.addAll(rows);
        int[] widths = IntStream.range(0, head.size())
                .map(i -> all.stream().mapToInt(r -> r.get(i).length()).max().orElse(0))
                .toArray();
        String rule = IntStream.range(0, widths.length)
                .mapToObj(i -> "-".repeat(widths[i] + 1) + (i == 0 ? "-" : ":"))
                .collect(Collectors.joining("|", "|", "|\n"));
        StringBuilder out = new StringBuilder(line(head, widths)).append(rule);
        rows.forEach(row -> out.append(line(row, widths)));
        return out.toString();
    }

    String html() {
        StringBuilder out = new StringBuilder("<div class=\"wide\"><table>\n").append(htmlRow(head, "th"));
        rows.forEach(row -> out.append(htmlRow(row, "td")));
        return out.append("</table></div>\n").toString();
    }

    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    private static String htmlRow(List<String> cells, String tag) {
        return cells.stream()
                .map(cell -> "<" + tag + ">" + escape(cell) + "</" + tag + ">")
                .collect(Collectors.joining("", "<tr>", "</tr>\n"));
    }

    private static String line(List<String> cells, int[] widths) {
        return IntStream.range(0, widths.length)
                .mapToObj(i -> {
                    String space = " ".repeat(widths[i] - cells.get(i).length());
                    return i == 0 ? " " + cells.get(i) + space + " " : " " + space + cells.get(i) + " ";
                })
                .collect(Collectors.joining("|", "|", "|\n"));
    }
}
