package dev.ferry.telemetry;

import dev.ferry.migration.MigrationState;

/**
 * Where a migration stood at one moment. Counters count from its beginning and never fall.
 *
 * @param atNs since it began
 * @param precopyBytes on the wire
 * @param pushedBytes by the background push
 * @param demandBytes for faults
 * @param dirtyRate bytes a second, of the last round
 * @param outstandingFaults at this moment; of merged samples the most
 * @param p50Us of the remote faults since the sample before, at the source of all; 0: none
 * @param p99Us likewise; of merged samples the worst
 */
record Sample(
        long atNs,
        MigrationState state,
        long precopyBytes,
        long pushedBytes,
        long demandBytes,
        double dirtyRate,
        long remainingBytes,
        long remoteFaults,
        long localFaults,
        long outstandingFaults,
        double p50Us,
        double p99Us,
        long recoveries) {

    /** This one and the next as one: where it stood in the end, and the worst of both. */
    Sample merge(Sample next) {
        return new Sample(
                next.atNs,
                next.state,
                next.precopyBytes,
                next.pushedBytes,
                next.demandBytes,
                next.dirtyRate,
                next.remainingBytes,
                next.remoteFaults,
                next.localFaults,
                Math.max(outstandingFaults, next.outstandingFaults),
                next.p50Us == 0 ? p50Us : next.p50Us,
                Math.max(p99Us, next.p99Us),
                next.recoveries);
    }
}
