package dev.ferry.client;

import dev.ferry.v1.LatencyUs;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Postcopy;
import dev.ferry.v1.Side;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** A migration under way as lines that fill a terminal. Pure: the same from the same. */
final class WatchFrame {
    static final int LEAST_ROWS = 16;
    static final int LEAST_COLUMNS = 50;

    private static final int LABEL = 12;
    private static final int MOST_COLUMNS = 100;
    private static final int VALUE = 14;
    private static final double MS_PER_S = 1000;
    private static final double US_PER_MS = 1000;
    private static final List<MigrationState> STEPS = List.of(
            MigrationState.PREPARING,
            MigrationState.PRECOPY,
            MigrationState.SWITCHOVER,
            MigrationState.POSTCOPY,
            MigrationState.COMPLETED);

    private final Migration m;
    private final WatchHistory history;
    private final Style style;
    private final int columns;
    private final List<String> lines = new ArrayList<>();

    private WatchFrame(Migration m, WatchHistory history, Style style, int columns) {
        this.m = m;
        this.history = history;
        this.style = style;
        this.columns = Math.min(columns, MOST_COLUMNS);
    }

    /**
     * Never more than so many lines, none of them wider.
     *
     * @param message about the wait itself; empty: none
     */
    static List<String> of(
            Migration m, WatchHistory history, Style style, int columns, int rows, String message, String hint) {
        List<String> lines = new WatchFrame(m, history, style, columns).lines(message, hint);
        return lines.size() > rows ? lines.subList(0, rows) : lines;
    }

    private List<String> lines(String message, String hint) {
        head();
        blank();
        steps();
        blank();
        memory();
        rate();
        dirty();
        faults();
        latency();
        downtime();
        blank();
        why();
        if (!message.isEmpty()) {
            add(line().add(Style.YELLOW, message));
        }
        blank();
        add(line().add(Style.SOFT, hint));
        return lines;
    }

    private StyledLine line() {
        return new StyledLine(style, columns).add(" ");
    }

    private void add(StyledLine line) {
        lines.add(line.toString());
    }

    private void blank() {
        lines.add("");
    }

    private StyledLine labelled(String label) {
        return line().add(Style.SOFT, label).to(LABEL);
    }

    private void head() {
        String way = m.getSide() == Side.DESTINATION
                ? style.or("← ", "<- ") + m.getPeer()
                : style.or("→ ", "-> ") + m.getPeer();
        add(line().add(Style.BOLD, m.getGuest())
                .add("  " + way + "  ")
                .add(Style.SOFT, m.getId())
                .right(Style.BOLD, Units.format("%.1f s", m.getTotalMs() / MS_PER_S)));
    }

    private void steps() {
        MigrationState now = m.getState();
        MigrationState at = now == MigrationState.RECOVERING ? MigrationState.POSTCOPY : now;
        int reached = STEPS.indexOf(at);
        StyledLine line = line();
        for (int i = 0; i < STEPS.size(); i++) {
            boolean isHere = i == reached;
            String name = isHere && now == MigrationState.RECOVERING
                    ? ReportCharts.title(now)
                    : ReportCharts.title(STEPS.get(i));
            String mark = i < reached ? style.or("✓ ", "x ") : isHere ? style.or("● ", "> ") : style.or("○ ", ". ");
            String sgr = i < reached ? Style.GREEN : isHere ? colour(now) : Style.SOFT;
            line.add(sgr, mark + name).add(i + 1 < STEPS.size() ? "  " : "");
        }
        if (reached < 0) {
            line = line().add(colour(now), ReportCharts.title(now));
        }
        add(line);
    }

    private static String colour(MigrationState state) {
        return switch (state) {
            case PRECOPY -> Style.BLUE;
            case SWITCHOVER -> Style.MAGENTA;
            case POSTCOPY -> Style.CYAN;
            case RECOVERING, CANCELLED -> Style.YELLOW;
            case COMPLETED -> Style.GREEN;
            case FAILED -> Style.RED;
            case PREPARING, MIGRATION_STATE_UNSPECIFIED, UNRECOGNIZED -> Style.BOLD;
        };
    }

    private void memory() {
        double total = (double) Math.max(1, m.getMemoryTotalBytes());
        double done = Math.max(0, Math.min(1, 1 - m.getMemoryRemainingBytes() / total));
        String left = Units.format("%3d%%  ", (int) (done * 100)) + Units.bytes(m.getMemoryRemainingBytes())
                + " left of " + Units.bytes(m.getMemoryTotalBytes());
        int width = Math.max(10, columns - LABEL - left.length() - 3);
        int full = (int) Math.round(done * width);
        add(labelled("Memory")
                .add(colour(m.getState()), style.or("█", "#").repeat(full))
                .add(Style.SOFT, style.or("░", "-").repeat(width - full))
                .add(" " + left));
    }

    private void rate() {
        long limit = m.getState() == MigrationState.POSTCOPY || m.getState() == MigrationState.RECOVERING
                ? m.getPostcopyBandwidthBytesPerSecond()
                : m.getBandwidthBytesPerSecond();
        StyledLine line =
                labelled("Rate").add(Style.BOLD, value(Units.rate(history.last().bytes())));
        spark(line, Style.BLUE, WatchHistory.Point::bytes);
        add(line.add(Style.SOFT, limit == 0 ? "" : "  limit " + Units.rate((double) limit)));
    }

    private void dirty() {
        double dirty = m.getDirtyRateBytesPerSecond();
        StyledLine line = labelled("Dirty rate").add(value(Units.rate(dirty)));
        spark(line, Style.MAGENTA, WatchHistory.Point::dirtyBytes);
        boolean compares = m.getState() == MigrationState.PRECOPY && dirty > 0 && m.getRateBytesPerSecond() > 0;
        double times = compares ? m.getRateBytesPerSecond() / dirty : 0;
        add(line.add(
                times < 1 ? Style.YELLOW : Style.SOFT,
                compares ? Units.format("  sent %.1f times as fast", times) : ""));
    }

    private void faults() {
        Postcopy p = m.getPostcopy();
        StyledLine line = labelled("Faults")
                .add(Style.BOLD, value(Units.format("%.0f/s", history.last().faults())));
        spark(line, Style.CYAN, WatchHistory.Point::faults);
        add(line.add(Style.SOFT, "  " + p.getRemoteFaults() + " remote, " + p.getLocalFaults() + " local"));
    }

    private void latency() {
        LatencyUs l = m.getPostcopy().getFaultLatencyUs();
        add(labelled("Latency")
                .add(
                        l.getCount() == 0
                                ? "-"
                                : "p50 " + Units.micros(l.getP50()) + "   p99 " + Units.micros(l.getP99()) + "   max "
                                        + Units.micros(l.getMax())));
    }

    private void downtime() {
        String known = m.getDowntimePhasesCount() > 0 ? Units.micros(m.getDowntimeMs() * US_PER_MS) : "-";
        String predicted = m.hasPredictedDowntimeMs()
                ? "   predicted " + Units.micros(m.getPredictedDowntimeMs() * US_PER_MS)
                : "";
        add(labelled("Downtime").add(Style.BOLD, known).add(Style.SOFT, predicted));
    }

    private void why() {
        boolean waits = m.getState() == MigrationState.RECOVERING || m.getGuestStopped();
        String round = m.getState() == MigrationState.PRECOPY && m.getPrecopy().getRounds() > 0
                ? "round " + m.getPrecopy().getRounds() + ": "
                : "";
        wrapped(waits ? "Waits for" : "Now", waits ? Style.YELLOW : "", round + m.getReason());
        if (waits || !m.getNext().isEmpty()) {
            wrapped("Next", "", m.getNext());
        }
        if (m.getRecoveries() > 0) {
            add(labelled("Recoveries").add(String.valueOf(m.getRecoveries())));
        }
    }

    /** In two lines at most. */
    private void wrapped(String label, String sgr, String text) {
        int width = Math.max(1, columns - LABEL);
        if (text.length() <= width) {
            add(labelled(label).add(sgr, text));
            return;
        }
        int space = text.lastIndexOf(' ', width);
        int cut = space > 0 ? space : width;
        add(labelled(label).add(sgr, text.substring(0, cut)));
        add(line().to(LABEL).add(sgr, text.substring(cut).strip()));
    }

    private static String value(String value) {
        return Units.format("%-" + VALUE + "s", value);
    }

    private void spark(StyledLine line, String sgr, ToDoubleFunction<WatchHistory.Point> of) {
        int width = Math.max(0, Math.min(40, columns - LABEL - VALUE - 24));
        double[] parts = history.parts(width, of);
        double most = 0;
        for (double part : parts) {
            most = Math.max(most, part);
        }
        String blocks = style.blocks();
        StringBuilder spark = new StringBuilder();
        for (double part : parts) {
            int height = most > 0 ? (int) Math.round(part / most * (blocks.length() - 1)) : 0;
            spark.append(part > 0 ? blocks.charAt(height) : ' ');
        }
        line.add(sgr, spark.toString());
    }
}
