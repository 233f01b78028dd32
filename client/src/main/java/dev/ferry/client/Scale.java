package dev.ferry.client;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleFunction;

/** Where a value is drawn: 0 at the bottom (left), 1 at the top (right). */
interface Scale {
    /** Within 0 and 1, whatever the value. */
    double at(double value);

    List<Tick> ticks();

    record Tick(double at, String label) {}

    /** From 0, with three to six steps that are round in units of the given step: 1024 for bytes, 1000 for counts. */
    static Scale linear(double most, double unitStep, DoubleFunction<String> label) {
        double top = most > 0 ? most : 1;
        double unit = 1;
        while (top / unit >= unitStep) {
            unit *= unitStep;
        }
        double step = roundStep(top / unit) * unit;
        double end = Math.ceil(top / step - 1e-9) * step;
        List<Tick> ticks = new ArrayList<>();
        for (double value = 0; value <= end * 1.000001; value += step) {
            ticks.add(new Tick(value / end, label.apply(value)));
        }
        return of(v -> v / end, ticks);
    }

    private static double roundStep(double most) {
        double power = Math.pow(10, Math.floor(Math.log10(most / 3)));
        for (double digit : new double[] {1, 2, 5}) {
            if (most / (digit * power) <= 5) {
                return digit * power;
            }
        }
        return 10 * power;
    }

    /** Powers of ten; both ends above 0. */
    static Scale logarithmic(double least, double most, DoubleFunction<String> label) {
        double from = Math.floor(Math.log10(Math.max(least, 1e-9)));
        double to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(most, 1e-9)) - 1e-9));
        List<Tick> ticks = new ArrayList<>();
        for (double power = from; power <= to; power++) {
            ticks.add(new Tick((power - from) / (to - from), label.apply(Math.pow(10, power))));
        }
        return of(v -> v <= 0 ? 0 : (Math.log10(v) - from) / (to - from), ticks);
    }

    private static Scale of(java.util.function.DoubleUnaryOperator at, List<Tick> ticks) {
        List<Tick> all = List.copyOf(ticks);
        return new Scale() {
            @Override
            public double at(double value) {
                double place = at.applyAsDouble(value);
                return place >= 0 ? Math.min(1, place) : 0; // not a number, too
            }

            @Override
            public List<Tick> ticks() {
                return all;
            }
        };
    }
}
