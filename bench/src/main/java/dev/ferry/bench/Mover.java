package dev.ferry.bench;

import com.fasterxml.jackson.databind.JsonNode;

/** A way to move guests, measured. */
interface Mover extends AutoCloseable {
    String name();

    /** Whether it is the one whose mistakes end the benchmark. */
    boolean isOurs();

    /** Whether its guest is the first that its daemons move. */
    boolean isCold();

    /** Boots a guest; closing the attempt ends it on both hosts. */
    Attempt begin(Scenario scenario) throws Exception;

    @Override
    void close() throws Exception;

    /** One guest, booted on the source, and its move. */
    interface Attempt extends AutoCloseable {
        Endpoint source();

        /** A process in the source's network namespace that lives until this is closed. */
        long sourceProcess();

        /** CPU that the mover has used so far, the guest's vCPUs not included. */
        double cpuSeconds();

        /** Moves it and returns when nothing is left on the source. */
        Outcome move() throws Exception;

        @Override
        void close() throws Exception;
    }

    /**
     * What the mover says of its move.
     *
     * @param endMs {@link Wall} time at which everything had arrived
     * @param wireBytes by its own count
     * @param reportedDowntimeMs by its own count; not a number: it has none
     * @param remoteFaults pages that the destination asked the source for
     * @param report all that it says
     */
    record Outcome(
            Endpoint destination,
            double endMs,
            long wireBytes,
            double reportedDowntimeMs,
            long remoteFaults,
            JsonNode report) {}
}
