package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which request id stands for which migration, for a day. Under the lock of {@link Migrations}, except where it says so. */
final class KnownRequests {
    private static final Logger LOG = LoggerFactory.getLogger(KnownRequests.class);

    private final NanoClock clock;
    private final LongSupplier unixMs;
    private final Map<String, Known> known = new HashMap<>();
    private volatile RequestLog log = RequestLog.NONE;

    /** @param past it ended under an earlier daemon */
    private record Known(String fingerprint, MigrationRecord record, boolean past) {}

    KnownRequests(NanoClock clock, LongSupplier unixMs) {
        this.clock = clock;
        this.unixMs = unixMs;
    }

    /** @param journal what is still under way will be recovered, and comes by {@link #follow} */
    void remember(RequestLog written, List<Journal.Entry> journal) {
        log = written;
        Set<String> underWay = new HashSet<>();
        for (Journal.Entry e : journal) {
            if (e.side() == Side.SOURCE
                    && (e.step() == Journal.Step.HANDED_OVER || e.step() == Journal.Step.ROLLED_BACK)) {
                underWay.add(e.id());
            }
        }
        for (RequestLog.Entry e : written.readAll()) {
            boolean goesOn = underWay.contains(e.migration());
            known.put(e.requestId(), new Known(e.fingerprint(), goesOn ? null : ended(e), !goesOn));
        }
        forgetOld();
    }

    /** What an earlier daemon did not write down any more follows from how far it had come. */
    private MigrationRecord ended(RequestLog.Entry e) {
        MigrationState state = e.state();
        String reason = e.reason();
        String error = e.error();
        if (!state.hasEnded()) {
            boolean committed = e.runsOn() == Side.DESTINATION;
            state = committed ? MigrationState.COMPLETED : MigrationState.FAILED;
            reason = committed ? "everything is at the destination" : "the guest runs on the source";
            error = committed
                    ? ""
                    : "ferryd was restarted before the commit (the guest runs on the source): start again, with another request_id";
        }
        MigrationState last = state;
        String lastReason = reason;
        String lastError = error;
        long endedUnixMs = e.endedUnixMs() == 0 ? unixMs.getAsLong() : e.endedUnixMs();
        return new MigrationRecord(clock, e.startedUnixMs(), endedUnixMs - e.startedUnixMs(), f -> {
            f.id = e.migration();
            f.guest = e.guest();
            f.state = last;
            f.runsOn = e.runsOn();
            f.side = Side.SOURCE;
            f.peer = e.peer();
            f.requestId = e.requestId();
            f.reason = lastReason;
            f.error = lastError;
        });
    }

    /** Those that ended under earlier daemons. */
    Stream<MigrationRecord> past() {
        return known.values().stream().filter(Known::past).map(Known::record);
    }

    /** INVALID_ARGUMENT: it stands for another request. */
    Optional<MigrationRecord> find(String requestId, String guest, String fingerprint) {
        Known k = requestId.isEmpty() ? null : known.get(requestId);
        if (k == null || k.record() == null) {
            return Optional.empty();
        }
        MigrationSnapshot s = k.record().snapshot();
        boolean same = s.guest().equals(guest)
                && (fingerprint.isEmpty() || k.fingerprint().isEmpty() || fingerprint.equals(k.fingerprint()));
        if (!same) {
            throw new FerryException(
                    ErrorCategory.INVALID_ARGUMENT,
                    "REQUEST_ID_REUSED",
                    Map.of("request_id", requestId, "migration", s.id(), "guest", s.guest()),
                    "request_id " + requestId + " was used for guest " + s.guest() + " (migration " + s.id()
                            + ") and another request; nothing was started: say another request_id for another request");
        }
        return Optional.of(k.record());
    }

    /** Before anything is done for it. RESOURCE_EXHAUSTED: it cannot be written down. */
    void begun(String requestId, String fingerprint, MigrationRecord record) {
        if (!requestId.isEmpty()) {
            log.write(entry(requestId, fingerprint, record.snapshot()));
            known.put(requestId, new Known(fingerprint, record, false));
        }
    }

    /** How far it comes is written down by whoever changes its state: what is needed to know how it ended. */
    void follow(String requestId, MigrationRecord record) {
        if (requestId.isEmpty()) {
            return;
        }
        Known before = known.get(requestId);
        String fingerprint = before == null ? "" : before.fingerprint();
        known.put(requestId, new Known(fingerprint, record, false));
        MigrationSnapshot first = record.snapshot();
        if (before != null && before.record() == null) { // recovered: the guest was given away by now
            write(requestId, fingerprint, first);
        }
        AtomicReference<Side> runsOn = new AtomicReference<>(first.runsOn());
        record.onStateChange(() -> {
            MigrationSnapshot now = record.snapshot();
            boolean changedSides = runsOn.getAndSet(now.runsOn()) != now.runsOn();
            if (changedSides || now.state().hasEnded() || now.state() == MigrationState.POSTCOPY) {
                write(requestId, fingerprint, now);
            }
        });
    }

    /** A guest does not wait for a word that has no room. */
    private void write(String requestId, String fingerprint, MigrationSnapshot now) {
        try {
            log.write(entry(requestId, fingerprint, now));
        } catch (RuntimeException e) {
            LOG.warn("request {}: migration {} is {}, not written down", requestId, now.id(), now.state(), e);
        }
    }

    private RequestLog.Entry entry(String requestId, String fingerprint, MigrationSnapshot s) {
        return new RequestLog.Entry(
                requestId,
                fingerprint,
                s.id(),
                s.guest(),
                s.peer(),
                s.startedUnixMs(),
                s.state(),
                s.runsOn(),
                s.reason(),
                s.error(),
                s.state().hasEnded() ? unixMs.getAsLong() : 0);
    }

    void forgetOld() {
        long before = unixMs.getAsLong() - RequestLog.REMEMBERED_MS;
        known.values().removeIf(k -> {
            if (k.record() == null) {
                return false;
            }
            MigrationSnapshot s = k.record().snapshot();
            boolean old = s.state().hasEnded() && s.startedUnixMs() < before;
            if (old) {
                log.remove(s.id());
            }
            return old;
        });
    }
}
