package dev.ferry.bench;

import java.util.Locale;

/** One figure that Ferry promises, and what was measured. Not a number: not measured in this run. */
record Target(String what, double measured, String unit, String relation, double bound) {

    static Target atMost(String what, double measured, String unit, double bound) {
        return new Target(what, measured, unit, "≤", bound);
    }

    static Target atLeast(String what, double measured, String unit, double bound) {
        return new Target(what, measured, unit, "≥", bound);
    }

    boolean isMeasured() {
        return Double.isFinite(measured);
    }

    boolean isMet() {
        return relation.equals("≤") ? measured <= bound : measured >= bound;
    }

    String verdict() {
        if (!isMeasured()) {
            return "not measured";
        }
        return isMet() ? "pass" : "SHORT";
    }

    String measuredText() {
        return isMeasured() ? number(measured) + unit : "–";
    }

    String boundText() {
        return relation + " " + number(bound) + unit;
    }

    /** Three digits that say something. */
    private static String number(double v) {
        int decimals = v == Math.rint(v) ? 0 : Math.abs(v) < 10 ? 2 : Math.abs(v) < 100 ? 1 : 0;
        return String.format(Locale.ROOT, "%,." + decimals + "f", v);
    }
}
