package dev.ferry.client;

import java.util.Locale;

/** Numbers with units, for people. */
final class Units {
    private static final String[] BYTES = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    private static final double STEP = 1024;
    private static final double MS_PER_S = 1000;
    private static final double S_PER_MINUTE = 60;

    private Units() {}

    /** {@code 512 B}, {@code 1.5 GiB}. */
    static String bytes(long bytes) {
        return scaled((double) bytes);
    }

    private static String scaled(double bytes) {
        double left = Math.max(0, bytes);
        int unit = 0;
        // 1023.96 would be shown as 1024.0
        while (left >= STEP - 0.05 && unit < BYTES.length - 1) {
            left /= STEP;
            unit++;
        }
        return unit == 0 ? (long) left + " B" : format("%.1f %s", left, BYTES[unit]);
    }

    static String rate(double bytesPerSecond) {
        return scaled(bytesPerSecond) + "/s";
    }

    /** {@code 12.345 ms}, {@code 2.41 s}, {@code 3 min 05 s}. */
    static String duration(double ms) {
        if (ms < MS_PER_S - 0.0005) {
            return format("%.3f ms", ms);
        }
        double seconds = ms / MS_PER_S;
        // 59.996 would be shown as 60.00
        if (seconds < S_PER_MINUTE - 0.005) {
            return format("%.2f s", seconds);
        }
        long whole = Math.round(seconds);
        return format("%d min %02d s", whole / 60, whole % 60);
    }

    /** {@code 85 µs}, {@code 2.1 ms}, {@code 1.20 s}. */
    static String micros(double us) {
        if (us < 999.5) {
            return format("%.0f µs", us);
        }
        return us < 1e6 ? format("%.1f ms", us / 1e3) : format("%.2f s", us / 1e6);
    }

    static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
