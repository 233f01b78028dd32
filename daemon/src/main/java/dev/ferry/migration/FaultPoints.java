package dev.ferry.migration;

/**
 * Told at every boundary of the protocol, on the thread that passes it, so that a test can make something fail at exactly that
 * moment. A provider is found by {@link java.util.ServiceLoader} on the daemon's class path; without one nothing happens.
 */
public interface FaultPoints {
    FaultPoints NONE = point -> {};

    void at(FaultPoint point);
}
