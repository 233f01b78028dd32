package dev.ferry.bench;

import java.util.OptionalInt;

/**
 * What is moved and under which load.
 *
 * @param name of the row it belongs to
 * @param rate page touches a second and vCPU; 0: as many as it can
 * @param precopyRounds Ferry's limit; empty: its default. QEMU always switches after its first pass
 * @param pushBytesPerSecond Ferry's limit of the background push; 0: none
 */
record Scenario(
        String name,
        int memoryMib,
        int vcpus,
        String pattern,
        int rate,
        int writePercent,
        int fillPercent,
        OptionalInt precopyRounds,
        long pushBytesPerSecond) {

    /** The guest's own options. */
    String append() {
        return "pattern=" + pattern + " rate=" + rate + " write=" + writePercent + " fill=" + fillPercent + " series=1";
    }

    /** Memory that has to be moved in any case: the pages that the guest fills at boot. GB are 10^9 bytes. */
    double filledGb() {
        return memoryMib * 1048576.0 * fillPercent / 100 / 1e9;
    }

    String describe() {
        return memoryMib + " MiB, " + vcpus + " vCPU, TCG, " + append().replace(" series=1", "");
    }

    Scenario named(String other) {
        return new Scenario(
                other,
                memoryMib,
                vcpus,
                pattern,
                rate,
                writePercent,
                fillPercent,
                precopyRounds,
                pushBytesPerSecond);
    }
}
