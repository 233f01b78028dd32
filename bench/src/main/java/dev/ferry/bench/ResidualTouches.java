package dev.ferry.bench;

/**
 * How many residual pages the guest touched in post-copy, for a move without pre-copy, where every page is residual: the
 * different pages among its touches from the resume to the last page's arrival, by the pattern that it picks them with.
 */
final class ResidualTouches {
    private static final int PAGES_PER_MIB = 256;

    private ResidualTouches() {}

    /** Remote faults as a share of the residual pages that were touched. */
    static double remoteFaultShare(Move move) {
        double endMs =
                move.switchMs() + move.report().path("postcopy").path("ms").asDouble(move.totalMs() - move.switchMs());
        return move.remoteFaults()
                / distinct(
                        move.scenario().pattern(),
                        move.series().stream()
                                .mapToDouble(w -> w.touchesBetween(move.switchMs(), endMs))
                                .sum(),
                        (double) move.scenario().memoryMib() * PAGES_PER_MIB);
    }

    /** Expected number of different pages; hot: 90 % of the touches in the first tenth (guest/verify/README.md). */
    static double distinct(String pattern, double touches, double pages) {
        return switch (pattern) {
            case "seq" -> Math.min(touches, pages);
            case "hot" -> among(pages / 10, 0.91 * touches) + among(0.9 * pages, 0.09 * touches);
            default -> among(pages, touches);
        };
    }

    private static double among(double pages, double touches) {
        return pages * -Math.expm1(-touches / pages);
    }
}
