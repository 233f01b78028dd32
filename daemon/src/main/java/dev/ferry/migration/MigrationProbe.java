package dev.ferry.migration;

import dev.ferry.postcopy.ArrivalCounters;
import dev.ferry.postcopy.FaultLatency;
import dev.ferry.postcopy.LatencyBuckets;
import java.util.List;
import java.util.Optional;

/**
 * One migration, for whoever measures it from outside, at any time and from any thread: nothing here waits for its owner, and
 * nothing of it lies on the way of a fault.
 */
public interface MigrationProbe {
    /** The same for as long as it is known. */
    String id();

    MigrationSnapshot snapshot();

    /** When it began, by the daemon's clock; with one that is recovered, before the daemon's start. */
    long startNs();

    /** When its counters were last brought up to date, by the same clock. */
    long countedNs();

    /** Oldest first. */
    List<MigrationEvent> events();

    /** How many are missing in the middle of {@link #events}. */
    int droppedEvents();

    /** Of guest RAM, where blocks differ the mean; 0: not known yet. */
    long pageBytes();

    /** What counts at the destination while a guest arrives; empty at the source and once it has ended. */
    Optional<Counting> counting();

    /** All remote faults until now; at the source empty until the destination has told it, in the end. */
    LatencyBuckets faultLatency();

    /** Counters that run. */
    record Counting(ArrivalCounters counters, FaultLatency latency) {}
}
