package dev.ferry.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/**
 * The moves of one scenario over one link, by one or several systems.
 *
 * @param damaged how many moves of each system damaged the guest and were repeated
 */
record Section(Scenario scenario, String link, Floor floor, List<Move> moves, Map<String, Integer> damaged) {

    List<String> systems() {
        return moves.stream().map(Move::system).distinct().toList();
    }

    List<Move> of(String system) {
        return moves.stream().filter(m -> m.system().equals(system)).toList();
    }

    /** Not a number when this system did not move here. */
    double median(String system, Column column) {
        return Statistics.median(of(system), column.value);
    }

    /** Medians of each system, and apart from them the move of a daemon that had just been started. */
    Table medians() {
        List<List<String>> rows = new ArrayList<>();
        for (String system : systems()) {
            rows.add(row(system, column -> column.format(median(system, column))));
            of(system).stream()
                    .filter(m -> m.cold() && of(system).size() > 1)
                    .forEach(m -> rows.add(
                            row(system + ", run 1 (cold)", column -> column.format(column.value.applyAsDouble(m)))));
        }
        return new Table(row("system", column -> column.title), rows);
    }

    /** Ferry's medians as multiples of the others'. */
    Table ratios(String system) {
        List<List<String>> rows = systems().stream()
                .filter(other -> !other.equals(system))
                .map(other -> row(system + " ÷ " + other, column -> {
                    double ratio = median(system, column) / median(other, column);
                    return Double.isFinite(ratio) ? String.format(Locale.ROOT, "%.2f", ratio) : "–";
                }))
                .toList();
        return new Table(row("ratio", column -> column.title), rows);
    }

    private static List<String> row(String first, Function<Column, String> cell) {
        List<String> row = new ArrayList<>(List.of(first));
        for (Column column : Column.values()) {
            row.add(cell.apply(column));
        }
        return row;
    }
}
