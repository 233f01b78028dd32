package dev.ferry.bench;

/**
 * What is moved and under which load.
 *
 * @param name of the row it belongs to
 * @param rate page touches a second and vCPU; 0: as many as it can
 * @param precopyRounds Ferry's limit; −1: its default. QEMU always switches after its first pass
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
        int precopyRounds,
        long pushBytesPerSecond) {
    static final int DEFAULT_ROUNDS = -1;

    /** The guest's own options. */
    String append() {
        return "pattern=" + pattern + " rate=" + rate + " write=" + writePercent + " fill=" + fillPercent + " series=1";
    }

    /** Memory that has to be moved in any case: the pages that the guest fills at boot. GB are 10^9 bytes. */
    double filledGb() {
        return memoryMib * 1048576.0 * fillPercent / 100 / 1e9;
    }

    String describe() {
        return memoryMib + " MiB, " + vcpus + " vCPU, TCG, " + append().replace(" series=1", "")
                + (precopyRounds != DEFAULT_ROUNDS ? ", pre-copy rounds " + precopyRounds : "")
                + (pushBytesPerSecond > 0 ? ", push " + pushBytesPerSecond / 1e6 + " MB/s" : "");
    }

    Scenario named(String other) {
        return copy(other, memoryMib, pattern, writePercent, fillPercent);
    }

    Scenario withMemory(int mib, int fill) {
        return copy(mib + " MiB", mib, pattern, writePercent, fill);
    }

    Scenario withWrite(int percent) {
        return copy(percent + " % writes", memoryMib, pattern, percent, fillPercent);
    }

    Scenario withPattern(String other) {
        return copy(other, memoryMib, other, writePercent, fillPercent);
    }

    Scenario withPolicy(int rounds, long push) {
        return new Scenario(name, memoryMib, vcpus, pattern, rate, writePercent, fillPercent, rounds, push);
    }

    private Scenario copy(String newName, int mib, String newPattern, int write, int fill) {
        return new Scenario(newName, mib, vcpus, newPattern, rate, write, fill, precopyRounds, pushBytesPerSecond);
    }
}
