package dev.ferry.api;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.PlacementControl;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Room for ten bytes. */
final class FakePlacement implements PlacementControl {
    private final Map<String, Reservation> held = new TreeMap<>();

    @Override
    public synchronized Capacity capacity() {
        long reserved =
                held.values().stream().mapToLong(Reservation::memoryBytes).sum();
        return new Capacity(10 - reserved, 11, reserved, 1);
    }

    @Override
    public synchronized Reservation reserve(String guest, long memoryBytes, long ttlNs, String requestId) {
        if (memoryBytes > capacity().availableBytes()) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION, "DESTINATION_MEMORY", Map.of("guest", guest), "no room");
        }
        String id = String.format("%016x", held.size() + 1);
        held.put(id, new Reservation(id, guest, memoryBytes, requestId, 1000 + ttlNs / 1_000_000, ttlNs));
        return held.get(id);
    }

    @Override
    public synchronized Reservation release(String id) {
        Reservation r = held.remove(id);
        if (r == null) {
            throw new FerryException(ErrorCategory.NOT_FOUND, "RESERVATION_UNKNOWN", Map.of(), "no " + id);
        }
        return r;
    }

    @Override
    public synchronized List<Reservation> reservations() {
        return List.copyOf(held.values());
    }
}
