package dev.ferry.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Tables of what was measured. */
final class Markdown {
    private Markdown() {}

    static String table(List<String> head, List<List<String>> rows) {
        List<List<String>> all = new ArrayList<>();
        all.add(head);
        all.addAll(rows);
        int[] widths = IntStream.range(0, head.size())
                .map(i -> all.stream().mapToInt(r -> r.get(i).length()).max().orElse(0))
                .toArray();
        StringBuilder out = new StringBuilder(line(head, widths));
        out.append(IntStream.of(widths)
                .mapToObj(w -> "-".repeat(w + 2))
                .collect(Collectors.joining("|", "|", "|\n")));
        rows.forEach(row -> out.append(line(row, widths)));
        return out.toString();
    }

    /** Medians of each system, and the first run of those whose daemon was cold then. */
    static String medians(List<Move> moves) {
        List<List<String>> rows = new ArrayList<>();
        for (String system : systems(moves)) {
            List<Move> own = of(moves, system);
            rows.add(row(system, c -> c.format(Statistics.median(own, c.value))));
            if (system.startsWith("ferry") && own.size() > 1) {
                rows.add(row(system + ", run 1 (cold)", c -> c.format(c.value.applyAsDouble(own.get(0)))));
            }
        }
        return table(head("system"), rows);
    }

    /** One system's medians as multiples of the others'. */
    static String ratios(List<Move> moves, String system) {
        List<Move> own = of(moves, system);
        List<List<String>> rows = systems(moves).stream()
                .filter(other -> !other.equals(system))
                .map(other -> row(system + " ÷ " + other, c -> {
                    double ratio = Statistics.median(own, c.value) / Statistics.median(of(moves, other), c.value);
                    return Double.isFinite(ratio) ? String.format(Locale.ROOT, "%.2f", ratio) : "–";
                }))
                .toList();
        return rows.isEmpty() ? "" : table(head("ratio"), rows);
    }

    static List<String> systems(List<Move> moves) {
        return moves.stream().map(Move::system).distinct().toList();
    }

    static List<Move> of(List<Move> moves, String system) {
        return moves.stream().filter(m -> m.system().equals(system)).toList();
    }

    private static List<String> head(String first) {
        return row(first, c -> c.title);
    }

    private static List<String> row(String first, java.util.function.Function<Column, String> cell) {
        List<String> row = new ArrayList<>(List.of(first));
        for (Column column : Column.values()) {
            row.add(cell.apply(column));
        }
        return row;
    }

    private static String line(List<String> cells, int[] widths) {
        return IntStream.range(0, widths.length)
                .mapToObj(i -> " " + (i == 0 ? left(cells.get(i), widths[i]) : right(cells.get(i), widths[i])) + " ")
                .collect(Collectors.joining("|", "|", "|\n"));
    }

    private static String left(String text, int width) {
        return text + " ".repeat(width - text.length());
    }

    private static String right(String text, int width) {
        return " ".repeat(width - text.length()) + text;
    }
}
