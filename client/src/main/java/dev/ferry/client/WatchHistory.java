package dev.ferry.client;

import dev.ferry.v1.Migration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** What a watch has seen: counters as rates, over the whole time that is watched. Bounded. One thread. */
final class WatchHistory {
    static final int MOST = 1024;

    /** Counters come in steps of 100 to 200 ms. */
    private static final double WINDOW_MS = 700;

    private static final double MS_PER_S = 1000;

    private record Seen(double atMs, double bytes, double faults) {}

    /** A moment: rates a second. */
    record Point(double atMs, double bytes, double dirtyBytes, double faults) {}

    private final List<Seen> recent = new ArrayList<>();
    private final List<Point> points = new ArrayList<>();

    void add(Migration m) {
        Seen now = new Seen(
                m.getTotalMs(),
                m.getBytesSent(),
                m.getPostcopy().getRemoteFaults() + m.getPostcopy().getLocalFaults());
        // Begins anew after a restart of a daemon.
        recent.removeIf(s -> s.atMs() >= now.atMs() || s.bytes() > now.bytes() || s.faults() > now.faults());
        recent.add(now);
        while (recent.size() > 2 && now.atMs() - recent.get(1).atMs() >= WINDOW_MS) {
            recent.remove(0);
        }
        Seen before = recent.get(0);
        double s = (now.atMs() - before.atMs()) / MS_PER_S;
        points.add(new Point(
                now.atMs(),
                s > 0 ? (now.bytes() - before.bytes()) / s : 0,
                m.getDirtyRateBytesPerSecond(),
                s > 0 ? (now.faults() - before.faults()) / s : 0));
        if (points.size() == MOST) {
            halve();
        }
    }

    private void halve() {
        List<Point> all = List.copyOf(points);
        points.clear();
        for (int i = 1; i < all.size(); i += 2) {
            points.add(all.get(i));
        }
    }

    List<Point> points() {
        return List.copyOf(points);
    }

    Point last() {
        return points.isEmpty() ? new Point(0, 0, 0, 0) : points.get(points.size() - 1);
    }

    /** The mean of each of so many equal parts of the time that was watched; of a part without any, that of the one before. */
    double[] parts(int count, ToDoubleFunction<Point> value) {
        double[] sums = new double[count];
        int[] counts = new int[count];
        if (points.isEmpty() || count == 0) {
            return sums;
        }
        double fromMs = points.get(0).atMs();
        double spanMs = Math.max(1, last().atMs() - fromMs);
        for (Point p : points) {
            int part = Math.max(0, Math.min(count - 1, (int) ((p.atMs() - fromMs) / spanMs * count)));
            sums[part] += value.applyAsDouble(p);
            counts[part]++;
        }
        for (int i = 0; i < count; i++) {
            sums[i] = counts[i] > 0 ? sums[i] / counts[i] : i > 0 ? sums[i - 1] : 0;
        }
        return sums;
    }
}
