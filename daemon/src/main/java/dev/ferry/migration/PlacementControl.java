package dev.ferry.migration;

import java.util.List;

/** What the API asks of this host as a destination. Thread-safe. Errors are FerryExceptions with the category to answer. */
public interface PlacementControl {
    Capacity capacity();

    /** FAILED_PRECONDITION: no room; INVALID_ARGUMENT: the request id stands for another guest or size. */
    Reservation reserve(String guest, long memoryBytes, long ttlNs, String requestId);

    /** NOT_FOUND: there is none any more. */
    Reservation release(String id);

    /** By id. */
    List<Reservation> reservations();

    /** @param availableBytes what may still be reserved, never negative */
    record Capacity(long availableBytes, long freeBytes, long reservedBytes, long arrivingBytes) {}

    /** @param leftNs until it expires */
    record Reservation(String id, String guest, long memoryBytes, String requestId, long expiresUnixMs, long leftNs) {}
}
