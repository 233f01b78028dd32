package dev.ferry.bench;

import java.util.ArrayList;
import java.util.List;

/** The scenarios of the table of targets, made from one base. */
final class Scenarios {
    static final String BASE = "base";
    static final String SHAPED = "shaped";
    static final String PUSH = "push";
    static final String NO_PUSH = "no push";
    static final List<String> DOWNTIMES = List.of("256 MiB", "8192 MiB", "1 % writes", "50 % writes");
    static final List<String> PATTERNS = List.of("seq", "hot");

    private static final int BIG_FILL_PERCENT = 10;
    private static final long PRACTICALLY_OFF = 1_000_000;

    private Scenarios() {}

    /** What Ferry alone is measured with, after the base. */
    static List<Scenario> matrix(Scenario base) {
        List<Scenario> all = new ArrayList<>(List.of(
                base.withMemory(256, 100),
                base.withMemory(8192, BIG_FILL_PERCENT),
                base.withWrite(1),
                base.withWrite(50)));
        // Without pre-copy every page is residual, so that it is known which of the touched ones are.
        PATTERNS.forEach(pattern -> all.add(base.withPattern(pattern).withPolicy(0, 0)));
        all.add(base.named(PUSH).withPolicy(1, 0));
        all.add(base.named(NO_PUSH).withPolicy(1, PRACTICALLY_OFF));
        return all;
    }
}
