package dev.ferry.system;

import java.util.concurrent.TimeUnit;

/** What happens at a boundary, while whoever passes it stands there. */
enum Fault {
    KILL_SOURCE,
    KILL_DESTINATION,
    KILL_BOTH,
    STOP_SOURCE(10_000),
    STOP_DESTINATION(10_000),
    CUT_SHORT(200),
    CUT(5_000),
    CUT_LONG(30_000),
    CUT_TWICE(1_500),
    KILL_SOURCE_QEMU,
    KILL_DESTINATION_QEMU;

    final long ms;

    Fault() {
        this(0);
    }

    Fault(long ms) {
        this.ms = ms;
    }

    void hold() throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(ms); // how long the fault lasts is the fault
    }

    boolean isCut() {
        return this == CUT_SHORT || this == CUT || this == CUT_LONG || this == CUT_TWICE;
    }

    boolean endsAQemu() {
        return this == KILL_SOURCE_QEMU || this == KILL_DESTINATION_QEMU;
    }

    boolean kills(boolean source) {
        return this == KILL_BOTH || this == (source ? KILL_SOURCE : KILL_DESTINATION);
    }
}
