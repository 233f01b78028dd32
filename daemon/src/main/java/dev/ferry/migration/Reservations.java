package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Memory that is promised: to schedulers, by reservations, and to guests whose arrival begins, by claims. What has begun to
 * arrive is counted by what has not come yet. All three are taken from the same room, under one lock, so that nothing is
 * promised twice. Thread-safe. Not kept over a restart: whoever comes with a reservation of an earlier daemon is told so.
 */
public final class Reservations implements PlacementControl {
    static final String NO_ROOM = "DESTINATION_MEMORY";
    static final String UNKNOWN = "RESERVATION_UNKNOWN";
    static final String MISMATCH = "RESERVATION_MISMATCH";

    /** Of everybody together: a caller that forgets to release must not fill this daemon's memory. */
    private static final int MOST = 10_000;

    private final GuestHost host;
    private final LongSupplier arrivingBytes;
    private final NanoClock clock;
    private final LongSupplier unixMs;
    private final Map<String, Held> held = new TreeMap<>();
    private final Map<Long, Long> claims = new HashMap<>();
    /** By the migration that uses it, while that begins. */
    private final Map<Long, Held> inUse = new HashMap<>();

    private long lastId;

    private record Held(String id, String guest, long memoryBytes, String requestId, long expiresUnixMs, long endNs) {}

    /** @param arrivingBytes of guests that are arriving: what has not come yet */
    Reservations(GuestHost host, LongSupplier arrivingBytes, NanoClock clock, LongSupplier unixMs) {
        this.host = host;
        this.arrivingBytes = arrivingBytes;
        this.clock = clock;
        this.unixMs = unixMs;
    }

    @Override
    public synchronized Capacity capacity() {
        expire();
        long arriving = arrivingBytes.getAsLong();
        long reserved = held.values().stream().mapToLong(Held::memoryBytes).reduce(0, Reservations::sum);
        Optional<MemoryRoom> room = host.memoryRoom();
        return new Capacity(
                room.isEmpty() ? 0 : Math.max(0, available(room.get(), "")),
                room.map(MemoryRoom::freeBytes).orElse(0L),
                reserved,
                arriving);
    }

    @Override
    public synchronized Reservation reserve(String guest, long memoryBytes, long ttlNs, String requestId) {
        expire();
        for (Held h : held.values()) {
            if (!requestId.isEmpty() && h.requestId().equals(requestId)) {
                if (!h.guest().equals(guest) || h.memoryBytes() != memoryBytes) {
                    throw new FerryException(
                            ErrorCategory.INVALID_ARGUMENT,
                            "REQUEST_ID_REUSED",
                            Map.of("request_id", requestId, "reservation", h.id(), "guest", h.guest()),
                            "request_id " + requestId + " stands for reservation " + h.id() + ", " + h.memoryBytes()
                                    + " bytes for guest " + h.guest()
                                    + "; nothing was reserved: say another request_id for another reservation");
                }
                return shown(h);
            }
        }
        if (held.size() >= MOST) {
            throw new FerryException(
                    ErrorCategory.RESOURCE_EXHAUSTED,
                    "TOO_MANY_RESERVATIONS",
                    Map.of("most", Integer.toString(MOST)),
                    MOST
                            + " reservations are held here, nothing was reserved: release some, or wait until they expire");
        }
        Optional<Reason> against = noRoom(memoryBytes, "");
        if (against.isPresent()) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    NO_ROOM,
                    Map.of("guest", guest, "memory_bytes", Long.toString(memoryBytes)),
                    "nothing was reserved for guest " + guest + ": "
                            + against.get().message());
        }
        String id = MigrationIds.text(newId());
        Held h = new Held(
                id,
                guest,
                memoryBytes,
                requestId,
                unixMs.getAsLong() + TimeUnit.NANOSECONDS.toMillis(ttlNs),
                clock.nanoTime() + ttlNs);
        held.put(id, h);
        return shown(h);
    }

    /** Different after a restart, so that an id of an earlier daemon is nobody's. */
    private long newId() {
        lastId = Math.max(lastId + 1, unixMs.getAsLong() << 16);
        return lastId;
    }

    @Override
    public synchronized Reservation release(String id) {
        expire();
        Held h = held.remove(id);
        if (h == null) {
            throw new FerryException(
                    ErrorCategory.NOT_FOUND, UNKNOWN, Map.of("reservation", id), unknown(id) + ": nothing to release");
        }
        return shown(h);
    }

    @Override
    public synchronized List<Reservation> reservations() {
        expire();
        return held.values().stream()
                .map(this::shown)
                .sorted(Comparator.comparing(Reservation::id))
                .toList();
    }

    /** What is against a guest for want of memory, or of the reservation that it names. Takes nothing. */
    synchronized List<Reason> against(IncomingSpec spec) {
        expire();
        List<Reason> reasons = new ArrayList<>();
        Held mine = held.get(spec.reservation());
        if (!spec.reservation().isEmpty()) {
            if (mine == null) {
                reasons.add(new Reason(UNKNOWN, unknown(spec.reservation()) + ": reserve again, or start without"));
            } else if (!mine.guest().equals(spec.guest()) || mine.memoryBytes() < spec.memoryBytes()) {
                reasons.add(new Reason(
                        MISMATCH,
                        "reservation " + mine.id() + " holds " + mine.memoryBytes() + " bytes for guest " + mine.guest()
                                + ", guest " + spec.guest() + " needs " + spec.memoryBytes()
                                + ": reserve what CheckResponse.memory_total_bytes says"));
            }
        }
        if (!host.isAwaited(spec.guest())) {
            noRoom(spec.memoryBytes(), spec.reservation()).ifPresent(reasons::add);
        }
        return reasons;
    }

    /** Sets a guest's memory aside while its arrival begins; {@link #settled} or {@link #givenUp} follows. */
    synchronized void claim(IncomingSpec spec) {
        List<Reason> against = against(spec);
        if (!against.isEmpty()) {
            throw new CannotMoveException(spec.guest(), against);
        }
        // From now on the claim is what counts: the reservation may expire or be released meanwhile.
        Held mine = held.remove(spec.reservation());
        if (mine != null) {
            inUse.put(spec.migration(), mine);
        }
        if (!host.isAwaited(spec.guest())) {
            claims.put(spec.migration(), spec.memoryBytes());
        }
    }

    /** It arrives: its reservation is used up. */
    synchronized void settled(IncomingSpec spec) {
        claims.remove(spec.migration());
        inUse.remove(spec.migration());
    }

    /** It does not: its reservation stays, for another attempt. */
    synchronized void givenUp(IncomingSpec spec) {
        claims.remove(spec.migration());
        Held mine = inUse.remove(spec.migration());
        if (mine != null) {
            held.put(mine.id(), mine);
        }
    }

    private Optional<Reason> noRoom(long neededBytes, String own) {
        Optional<MemoryRoom> room = host.memoryRoom();
        if (room.isEmpty() || available(room.get(), own) >= neededBytes) {
            return Optional.empty();
        }
        return Optional.of(new Reason(
                NO_ROOM,
                (neededBytes >> 20) + " MiB are needed, " + (Math.max(0, available(room.get(), own)) >> 20)
                        + " MiB are left of the " + (room.get().freeBytes() >> 20)
                        + " MiB that are free: the rest is reserved or belongs to guests that are arriving. Choose another"
                        + " host, or wait"));
    }

    private long available(MemoryRoom room, String own) {
        long taken = claims.values().stream().reduce(0L, Reservations::sum);
        for (Held h : held.values()) {
            if (!h.id().equals(own)) {
                taken = sum(taken, h.memoryBytes());
            }
        }
        return room.freeBytes() - sum(taken, room.takenAtOnce() ? 0 : arrivingBytes.getAsLong());
    }

    /** Anybody may say any size. */
    private static long sum(long a, long b) {
        return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
    }

    private void expire() {
        long now = clock.nanoTime();
        held.values().removeIf(h -> h.endNs() - now <= 0);
    }

    private Reservation shown(Held h) {
        return new Reservation(
                h.id(),
                h.guest(),
                h.memoryBytes(),
                h.requestId(),
                h.expiresUnixMs(),
                Math.max(0, h.endNs() - clock.nanoTime()));
    }

    private static String unknown(String id) {
        return "there is no reservation " + id
                + " here: it was used up, released, has expired, or was made before this ferryd was started";
    }
}
