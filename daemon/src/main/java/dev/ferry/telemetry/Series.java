package dev.ferry.telemetry;

import java.util.ArrayList;
import java.util.List;

/** Samples of one migration, at most {@link #MOST} whatever its length: it is thinned out evenly as it gets long. One thread. */
final class Series {
    static final int MOST = 512;

    private final List<Sample> samples = new ArrayList<>();

    /** So far apart samples are kept. */
    private long gapNs;

    void add(Sample sample) {
        int size = samples.size();
        if (size >= 2 && sample.atNs() - samples.get(size - 2).atNs() < gapNs) {
            samples.set(size - 1, samples.get(size - 1).merge(sample));
            return;
        }
        if (size == MOST) {
            thinOut();
        }
        samples.add(sample);
    }

    /** The first stays; the others in pairs. */
    private void thinOut() {
        List<Sample> all = List.copyOf(samples);
        samples.clear();
        samples.add(all.get(0));
        for (int i = 1; i < all.size(); i += 2) {
            samples.add(i + 1 < all.size() ? all.get(i).merge(all.get(i + 1)) : all.get(i));
        }
        gapNs = (all.get(all.size() - 1).atNs() - all.get(0).atNs()) / (MOST / 2);
    }

    List<Sample> all() {
        return List.copyOf(samples);
    }

    /** Null: none. */
    Sample last() {
        return samples.isEmpty() ? null : samples.get(samples.size() - 1);
    }
}
