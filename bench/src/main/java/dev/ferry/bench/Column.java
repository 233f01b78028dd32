package dev.ferry.bench;

import java.util.function.ToDoubleFunction;

/** What is measured of each move, in the order of the table. */
enum Column {
    DOWNTIME("downtime ms", 1, Move::downtimeMs),
    STALL_P50("stall p50 µs", 0, m -> m.stallUs(50)),
    STALL_P99("stall p99 µs", 0, m -> m.stallUs(99)),
    STALL_MAX("longest stall ms", 2, m -> m.histogram().maxUs() / 1e3),
    STALL_SUM("sum of stalls ms", 1, Move::stallSumMs),
    LOST("guest time lost ms", 0, Move::lostMs),
    REMOTE_FAULTS("remote faults", 0, Move::remoteFaults),
    TOTAL("total s", 2, m -> m.totalMs() / 1e3),
    BYTES("MB on the wire", 0, m -> m.wireBytes() / 1e6),
    CPU("CPU s/GB", 2, Move::cpuSecondsPerGb);

    final String title;
    private final int decimals;

    @SuppressWarnings("ImmutableEnumChecker") // the functions have no state
    final ToDoubleFunction<Move> value;

    Column(String title, int decimals, ToDoubleFunction<Move> value) {
        this.title = title;
        this.decimals = decimals;
        this.value = value;
    }

    String format(double v) {
        return Double.isNaN(v) ? "–" : String.format(java.util.Locale.ROOT, "%,." + decimals + "f", v);
    }
}
