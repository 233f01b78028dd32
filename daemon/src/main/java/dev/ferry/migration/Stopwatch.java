package dev.ferry.migration;

import dev.ferry.base.NanoClock;
import java.util.ArrayList;
import java.util.List;

/** Cuts one stretch of time into named phases that add up to it. One thread. */
final class Stopwatch {
    private final NanoClock clock;
    private final List<PhaseTime> phases = new ArrayList<>();
    private long lastNs;

    Stopwatch(NanoClock clock) {
        this.clock = clock;
        this.lastNs = clock.nanoTime();
    }

    /** Everything since the last cut belongs to this phase. */
    void cut(String name) {
        long now = clock.nanoTime();
        phases.add(new PhaseTime(name, now - lastNs));
        lastNs = now;
    }

    /** Like {@link #cut}, but parts of it were measured by the peer; what remains is the way there and back. */
    void cut(List<PhaseTime> parts, String rest) {
        long now = clock.nanoTime();
        long left = now - lastNs;
        for (PhaseTime part : parts) {
            long ns = Math.min(left, Math.max(0, part.durationNs()));
            phases.add(new PhaseTime(part.name(), ns));
            left -= ns;
        }
        phases.add(new PhaseTime(rest, left));
        lastNs = now;
    }

    List<PhaseTime> phases() {
        return List.copyOf(phases);
    }
}
