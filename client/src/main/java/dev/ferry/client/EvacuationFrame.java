package dev.ferry.client;

import dev.ferry.v1.Migration;
import java.util.ArrayList;
import java.util.List;

/** An evacuation under way as lines that fit a terminal. Pure: the same from the same. */
final class EvacuationFrame {
    static final int LEAST_ROWS = 10;
    static final int LEAST_COLUMNS = 60;

    /** Head, header, message, hint, and the blanks between them. */
    private static final int OTHER_ROWS = 7;

    private static final int MOST_COLUMNS = 120;
    private static final int STATE = 12;
    private static final int BAR = 14;
    private static final int REMAINING = 11;
    private static final String HINT = "Ctrl-C starts no more guests; once more leaves. What moves goes on either way.";

    /** Who moves is seen even where not all are. */
    private static final List<Evacuee.State> BY_INTEREST = List.of(
            Evacuee.State.MOVING,
            Evacuee.State.LEFT,
            Evacuee.State.ARRIVING,
            Evacuee.State.WAITING,
            Evacuee.State.MOVED,
            Evacuee.State.GONE);

    private final Style style;
    private final int columns;
    private final int guestColumn;
    private final int hostColumn;
    private final List<String> lines = new ArrayList<>();

    private EvacuationFrame(List<Evacuee> guests, Style style, int columns) {
        this.style = style;
        this.columns = Math.min(columns, MOST_COLUMNS);
        int room = Math.max(16, this.columns - STATE - BAR - REMAINING - 14);
        this.guestColumn =
                Math.min(room / 2, 2 + widest(guests.stream().map(e -> e.guest).toList(), "GUEST"));
        this.hostColumn = Math.min(
                room / 2, 2 + widest(guests.stream().map(Evacuee::destination).toList(), "DESTINATION"));
    }

    private static int widest(List<String> texts, String header) {
        return Math.max(
                header.length(), texts.stream().mapToInt(String::length).max().orElse(0));
    }

    /**
     * Never more than so many lines, none of them wider.
     *
     * @param message about the evacuation itself; empty: none
     */
    static List<String> of(List<Evacuee> guests, Style style, int columns, int rows, String message) {
        EvacuationFrame frame = new EvacuationFrame(guests, style, columns);
        frame.draw(guests, Math.max(1, rows - OTHER_ROWS), message);
        return frame.lines.size() > rows ? frame.lines.subList(0, rows) : frame.lines;
    }

    private void draw(List<Evacuee> guests, int most, String message) {
        add(line().add(Style.BOLD, counts(guests)));
        lines.add("");
        add(row(Style.SOFT, "GUEST", "DESTINATION", "STATE", "", "REMAINING", "DOWNTIME"));
        List<Evacuee> sorted = new ArrayList<>();
        for (Evacuee.State state : BY_INTEREST) {
            guests.stream()
                    .filter(e -> e.state() == state)
                    .sorted(Evacuee.ORDER)
                    .forEach(sorted::add);
        }
        int shown = sorted.size() > most ? most - 1 : sorted.size();
        sorted.subList(0, shown).forEach(this::guest);
        if (shown < sorted.size()) {
            add(line().add(Style.SOFT, "and " + (sorted.size() - shown) + " more"));
        }
        lines.add("");
        if (!message.isEmpty()) {
            add(line().add(Style.YELLOW, message));
        }
        add(line().add(Style.SOFT, HINT));
    }

    static String counts(List<Evacuee> guests) {
        List<String> parts = new ArrayList<>();
        for (Evacuee.State state : Evacuee.State.values()) {
            long count = guests.stream().filter(e -> e.state() == state).count();
            if (count > 0) {
                parts.add(count + " " + word(state));
            }
        }
        return parts.isEmpty() ? "no guests" : String.join(", ", parts);
    }

    private static String word(Evacuee.State state) {
        return switch (state) {
            case WAITING -> "waiting";
            case MOVING -> "moving";
            case ARRIVING -> "arriving here";
            case MOVED -> "moved";
            case GONE -> "gone";
            case LEFT -> "left";
        };
    }

    private void guest(Evacuee e) {
        Migration m = e.migration();
        boolean hasDowntime = m.getDowntimePhasesCount() > 0;
        switch (e.state()) {
            case MOVING ->
                add(row(
                        "",
                        e.guest,
                        e.destination(),
                        m.getState().name(),
                        bar(m),
                        Units.bytes(m.getMemoryRemainingBytes()),
                        hasDowntime ? Units.duration(m.getDowntimeMs()) : ""));
            case MOVED ->
                add(row(Style.GREEN, e.guest, e.destination(), "moved", "", "", Units.duration(m.getDowntimeMs())));
            case LEFT -> add(told(Style.RED, e, "left"));
            case WAITING -> add(told(Style.SOFT, e, "waits"));
            case ARRIVING -> add(told(Style.SOFT, e, "arrives"));
            case GONE -> add(told(Style.SOFT, e, "gone"));
        }
    }

    private StyledLine told(String sgr, Evacuee e, String state) {
        return line().add(sgr, padded(e.guest, guestColumn))
                .add(sgr, padded(e.destination(), hostColumn))
                .add(sgr, padded(state, STATE))
                .add(sgr, e.why());
    }

    private StyledLine row(String sgr, String guest, String host, String state, String bar, String left, String down) {
        return line().add(sgr, padded(guest, guestColumn))
                .add(sgr, padded(host, hostColumn))
                .add(sgr, padded(state, STATE))
                .add(sgr, padded(bar, BAR))
                .add(sgr, padded(left, REMAINING))
                .add(sgr, down);
    }

    private String padded(String text, int width) {
        return text.length() < width
                ? text + " ".repeat(width - text.length())
                : text.substring(0, width - 2) + style.or("…", "~") + " ";
    }

    /** Of what there is to send: in pre-copy of all, after it of what was left. */
    private String bar(Migration m) {
        long total = m.getMemoryTotalBytes();
        int cells = BAR - 2;
        int done = total == 0 ? 0 : (int) (cells * (total - Math.min(total, m.getMemoryRemainingBytes())) / total);
        return style.or("█", "#").repeat(done) + style.or("░", ".").repeat(cells - done);
    }

    private StyledLine line() {
        return new StyledLine(style, columns).add(" ");
    }

    private void add(StyledLine line) {
        lines.add(line.toString());
    }
}
