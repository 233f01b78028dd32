package dev.ferry.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * 100 ms of the guest's own time: a T line. The time it was seen at is the host's, so a blackout makes a gap, and the rate is
 * that of the host's clock.
 *
 * @param atMs since the start of the move; before it negative
 * @param maxUs the longest load of a page in it
 */
record Window(double atMs, long touches, double touchesPerSecond, double maxUs) {
    private static final Pattern LINE = Pattern.compile("T ms=(\\d+) touches=(\\d+) maxus=(\\d+)");

    /** Lines of both hosts in one order. The first is only where the next begins. */
    static List<Window> parse(List<SerialTail.Line> lines, double startMs) {
        List<Window> windows = new ArrayList<>();
        double last = Double.NaN;
        for (SerialTail.Line line : lines) {
            Matcher m = LINE.matcher(line.text());
            if (!m.matches()) {
                continue;
            }
            if (!Double.isNaN(last) && line.atMs() > last) {
                long touches = Long.parseLong(m.group(2));
                windows.add(new Window(
                        line.atMs() - startMs,
                        touches,
                        touches * 1e3 / (line.atMs() - last),
                        Double.parseDouble(m.group(3))));
            }
            last = line.atMs();
        }
        return List.copyOf(windows);
    }

    /** Its share of a time since the start of the move, taken to be even within the window. */
    double touchesBetween(double fromMs, double toMs) {
        double lengthMs = touches * 1e3 / touchesPerSecond;
        double overlapMs = Math.min(toMs, atMs) - Math.max(fromMs, atMs - lengthMs);
        return touches == 0 || overlapMs <= 0 ? 0 : touches * overlapMs / lengthMs;
    }
}
