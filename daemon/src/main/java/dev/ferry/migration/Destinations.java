package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.MigrationSnapshot.PostcopyCounts;
import dev.ferry.postcopy.LatencyBuckets;
import dev.ferry.postcopy.PageRequester;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The migrations that arrive at this daemon. Thread-safe. */
public class Destinations implements Arrivals {
    private static final Logger LOG = LoggerFactory.getLogger(Destinations.class);

    /** Kept of those that have ended, for people. */
    static final int MOST_ENDED = 1000;

    /** A source that is silent for so long before the commit has gone: its guest goes on there, ours is ended. */
    private static final long ABANDONED_NS = 15_000_000_000L;

    /** A source that asks again after the end is answered for so long, counted from the end or from this daemon's start. */
    private static final long REMEMBERED_NS = 24 * 3_600_000_000_000L;

    /** Pages and questions that were under way at the end have come by then. */
    private static final long LATE_MESSAGES_NS = 60_000_000_000L;

    private static final int MAX_REFUSED = 1 << 14;

    private final GuestHost host;
    private final Journal journal;
    private final NanoClock clock;
    private final LongSupplier unixMs;
    private final FaultPoints faults;
    private final Map<Long, DestinationMigration> migrations = new ConcurrentHashMap<>();
    /** What is left of those that have ended a while ago: their bitmaps would fill the memory in time. */
    private final Map<String, MigrationRecord> ended = Collections.synchronizedMap(new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, MigrationRecord> eldest) {
            return size() > MOST_ENDED;
        }
    });

    private final Map<Long, Long> fenced = new ConcurrentHashMap<>();
    private final Map<Long, Settled> settled = new ConcurrentHashMap<>();
    /** Those whose guest was lost here and is, or may be, the source's again. */
    private final Map<Long, Long> renounced = new ConcurrentHashMap<>();

    /** Aborted before they were known. Anybody may name any, so only the last ones are remembered. */
    private final Set<Long> refused = Collections.synchronizedSet(Collections.newSetFromMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Boolean> eldest) {
            return size() > MAX_REFUSED;
        }
    }));

    /** Guests whose QEMU is being started: not in {@link #migrations} yet. */
    private final Set<String> starting = ConcurrentHashMap.newKeySet();

    /** Starting a QEMU takes a CPU for a third of a second, and other guests' blackouts want one too. */
    private final Semaphore starts =
            new Semaphore(Math.max(2, Runtime.getRuntime().availableProcessors()), true);

    private volatile MoveLimits limits;

    /** Migrations whose arrival begins: not in {@link #migrations} yet. Its lock is that of the limit. */
    private final Set<Long> beginning = new HashSet<>();

    private final Reservations reservations;
    private final EventLog events;
    private final Object[] steps = Stream.generate(Object::new).limit(256).toArray();

    /** A migration that an earlier daemon had completed, or this one: until its journal entry goes. */
    private record Settled(long epoch, long sinceNs) {}

    public Destinations(GuestHost host, Journal journal, NanoClock clock, LongSupplier unixMs) {
        this(host, journal, clock, unixMs, FaultPoints.NONE);
    }

    public Destinations(GuestHost host, Journal journal, NanoClock clock, LongSupplier unixMs, FaultPoints faults) {
        this(host, journal, clock, unixMs, faults, MoveLimits.NONE);
    }

    public Destinations(
            GuestHost host,
            Journal journal,
            NanoClock clock,
            LongSupplier unixMs,
            FaultPoints faults,
            MoveLimits limits) {
        this.limits = limits;
        this.host = host;
        this.journal = journal;
        this.clock = clock;
        this.unixMs = unixMs;
        this.faults = faults;
        this.reservations = new Reservations(host, this::arrivingBytes, clock, unixMs);
        this.events = new EventLog(unixMs.getAsLong(), EventLog.CAPACITY, unixMs);
    }

    /** What this host has promised. */
    public Reservations reservations() {
        return reservations;
    }

    /** Of both sides: one log a daemon. */
    public EventLog events() {
        return events;
    }

    /** From now on; what moves already goes on. */
    public void limit(MoveLimits now) {
        limits = now;
    }

    /** Of both sides. */
    MoveLimits limits() {
        return limits;
    }

    /** How many guests arrive, or are about to. */
    int inbound() {
        synchronized (beginning) {
            Set<Long> all = new HashSet<>(beginning);
            migrations.forEach((id, m) -> {
                if (!m.hasEnded()) {
                    all.add(id);
                }
            });
            return all.size();
        }
    }

    private void takePlace(IncomingSpec spec) {
        synchronized (beginning) {
            if (inbound() >= limits.inbound()) {
                throw new CannotMoveException(spec.guest(), List.of(limits.inboundReached()));
            }
            beginning.add(spec.migration());
        }
    }

    private void leavePlace(IncomingSpec spec) {
        synchronized (beginning) {
            beginning.remove(spec.migration());
        }
    }

    @Override
    public OptionalLong memoryAvailableBytes() {
        return host.memoryRoom().isEmpty()
                ? OptionalLong.empty()
                : OptionalLong.of(reservations.capacity().availableBytes());
    }

    private long arrivingBytes() {
        return migrations.values().stream()
                .map(m -> m.record().snapshot())
                .filter(s -> !s.state().hasEnded())
                .mapToLong(MigrationSnapshot::memoryRemainingBytes)
                .sum();
    }

    @Override
    public List<Reason> check(IncomingSpec spec) {
        List<Reason> reasons = new ArrayList<>(host.checkIncoming(spec));
        for (Reason reason : reservations.against(spec)) {
            if (reasons.stream().noneMatch(r -> r.code().equals(reason.code()))) {
                reasons.add(reason);
            }
        }
        if (inbound() >= limits.inbound()) {
            reasons.add(limits.inboundReached());
        }
        return reasons;
    }

    /** Waits for nothing but its own steps and, first come first served, for a start that may go on. */
    @Override
    public void prepare(IncomingSpec spec) {
        synchronized (stepsOf(spec.migration())) {
            starts.acquireUninterruptibly();
            boolean mine = starting.add(spec.guest());
            try {
                if (!mine && !migrations.containsKey(spec.migration())) {
                    throw alreadyArriving(spec);
                }
                prepareStep(spec);
            } finally {
                if (mine) {
                    starting.remove(spec.guest());
                }
                starts.release();
            }
        }
    }

    /** Of one migration one after the other: an abort waits for the prepare that it is to undo. */
    private Object stepsOf(long migration) {
        return steps[Math.floorMod(Long.hashCode(migration), steps.length)];
    }

    private static CannotMoveException alreadyArriving(IncomingSpec spec) {
        return new CannotMoveException(
                spec.guest(), List.of(new Reason("GUEST_EXISTS", "another migration brings it here already")));
    }

    private void prepareStep(IncomingSpec spec) {
        DestinationMigration known = migrations.get(spec.migration());
        if (known != null) {
            known.checkEpoch(spec.epoch());
            return;
        }
        String id = MigrationIds.text(spec.migration());
        if (refused.contains(spec.migration())
                || fenced.containsKey(spec.migration())
                || renounced.containsKey(spec.migration())
                || settled.containsKey(spec.migration())) {
            throw new FerryException(ErrorCategory.ABORTED, "migration " + id + " has ended here already");
        }
        if (moving().contains(spec.guest())) {
            throw alreadyArriving(spec);
        }
        checkIndices(spec);
        takePlace(spec);
        try {
            claimAndBegin(spec, id);
        } finally {
            leavePlace(spec);
        }
    }

    private void claimAndBegin(IncomingSpec spec, String id) {
        reservations.claim(spec);
        boolean arrives = false;
        try {
            begin(spec, id);
            arrives = true;
        } finally {
            if (arrives) {
                reservations.settled(spec);
            } else {
                reservations.givenUp(spec);
            }
        }
    }

    private void begin(IncomingSpec spec, String id) {
        Journal.Entry entry = new Journal.Entry(
                id,
                Side.DESTINATION,
                Journal.Step.PREPARING,
                spec.epoch(),
                spec.guest(),
                spec.source(),
                "",
                false,
                unixMs.getAsLong(),
                0,
                spec.lostPages(),
                spec.identity());
        journal.write(entry);
        faults.at(FaultPoint.ARRIVAL_JOURNALLED);
        ArrivingGuest guest;
        try {
            guest = host.prepareIncoming(spec);
        } catch (RuntimeException e) {
            journal.remove(id, Side.DESTINATION);
            throw e;
        }
        MigrationRecord record = new MigrationRecord(clock, entry.startedUnixMs(), f -> {
            f.id = id;
            f.guest = spec.guest();
            f.side = Side.DESTINATION;
            f.peer = spec.source();
            f.epoch = spec.epoch();
            f.lostPages = spec.lostPages();
            f.reservation = spec.reservation();
            f.reason = "the destination QEMU waits";
            f.memoryTotalBytes =
                    spec.blocks().stream().mapToLong(RamBlock::lengthBytes).sum();
            f.memoryRemainingBytes = f.memoryTotalBytes;
        });
        migrations.put(spec.migration(), new DestinationMigration(entry, guest, journal, record, clock, faults));
        events.follow(record);
        faults.at(FaultPoint.ARRIVAL_PREPARED);
    }

    /**
     * At start: a guest that an earlier daemon received and that may have run. Its faults are served from here on; pages that
     * are missing come when its source asks again. One that is lost is kept to say so.
     *
     * @param entry COMMITTED, RESUMED, STOPPED or POISONED
     */
    public void recover(Journal.Entry entry) {
        ArrivingGuest guest;
        String lost = "";
        try {
            guest = host.recoverArrival(entry.guest(), entry.id());
        } catch (FerryException e) {
            if (e.category() != ErrorCategory.FAILED_PRECONDITION) {
                throw e; // it may be there all the same: tried again
            }
            lost = e.getMessage();
            guest = new LostGuest(entry.guest(), entry.id(), host, clock);
        }
        long totalBytes =
                guest.blocks().stream().mapToLong(RamBlock::lengthBytes).sum();
        long missingBytes = guest.memory().missingBytes();
        long ageMs = unixMs.getAsLong() - entry.startedUnixMs();
        MigrationRecord record = new MigrationRecord(clock, entry.startedUnixMs(), ageMs, f -> {
            f.id = entry.id();
            f.guest = entry.guest();
            f.state = MigrationState.RECOVERING;
            f.runsOn = Side.DESTINATION;
            f.side = Side.DESTINATION;
            f.peer = entry.peer();
            f.epoch = entry.epoch();
            f.recoveries = 1;
            f.lostPages = entry.lostPages();
            f.reason = "ferryd was restarted: waits for the source";
            f.memoryTotalBytes = totalBytes;
            f.memoryRemainingBytes = missingBytes;
        });
        events.follow(record);
        DestinationMigration m = new DestinationMigration(entry, guest, journal, record, clock, faults);
        if (lost.isEmpty()) {
            m.recover();
        } else {
            m.lost(lost);
        }
        migrations.put(MigrationIds.parse(entry.id()), m);
    }

    /** When every guest of this host is known again: ends what an earlier daemon was about to end. */
    public void settleRecovered() {
        for (DestinationMigration m : migrations.values()) {
            try {
                m.settleIfComplete();
            } catch (RuntimeException e) {
                LOG.warn(
                        "guest {} is complete, but its arrival did not end; its source will ask again",
                        m.guestName(),
                        e);
            }
        }
    }

    /** @param entry SETTLED */
    public void rememberSettled(Journal.Entry entry) {
        host.forgetArrival(entry.id());
        settled.put(MigrationIds.parse(entry.id()), new Settled(entry.epoch(), clock.nanoTime()));
    }

    /** @param entry RENOUNCED */
    public void rememberRenounced(Journal.Entry entry) {
        renounced.put(MigrationIds.parse(entry.id()), entry.epoch());
        host.removeLost(entry.guest(), entry.id());
    }

    private void throwIfRenounced(long migration, long epoch) {
        if (!migrations.containsKey(migration) && renounced.getOrDefault(migration, -1L) == epoch) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "the guest of migration " + MigrationIds.text(migration)
                            + " is lost: its QEMU at the destination has ended, and the destination has confirmed that it"
                            + " stays so");
        }
    }

    private boolean hasSettled(long migration, long epoch) {
        Settled s = migrations.containsKey(migration) ? null : settled.get(migration);
        return s != null && s.epoch() == epoch;
    }

    @Override
    public boolean knows(long migration) {
        return migrations.containsKey(migration)
                || fenced.containsKey(migration)
                || settled.containsKey(migration)
                || renounced.containsKey(migration)
                || ended.containsKey(MigrationIds.text(migration));
    }

    @Override
    public void requireSource(long migration, Collection<String> proven) {
        DestinationMigration m = migrations.get(migration);
        if (m != null && !m.isOf(proven)) {
            throw new FerryException(
                    ErrorCategory.PERMISSION_DENIED,
                    "migration " + MigrationIds.text(migration) + " is of another source than " + proven
                            + ": nothing was done, and its guest is where it was");
        }
    }

    @Override
    public Switched switchover(
            long migration,
            long epoch,
            long bulkSequence,
            List<PageRuns> stale,
            List<SmallPages> small,
            byte[] deviceState) {
        return find(migration, epoch).switchover(bulkSequence, stale, small, deviceState);
    }

    @Override
    public Committed commit(long migration, long epoch) {
        if (!migrations.containsKey(migration) && fenced.getOrDefault(migration, -1L) == epoch) {
            return new Committed(true, "the destination had ended its QEMU before the commit", List.of());
        }
        if (hasSettled(migration, epoch)) {
            return new Committed(false, "", List.of());
        }
        throwIfRenounced(migration, epoch);
        return find(migration, epoch).commit();
    }

    @Override
    public void pagesLost(long migration, long epoch, String reason) {
        if (!hasSettled(migration, epoch)) {
            throwIfRenounced(migration, epoch);
            find(migration, epoch).pagesLost(reason);
        }
    }

    @Override
    public void confirmLost(long migration, long epoch) {
        if (!migrations.containsKey(migration)
                && (renounced.getOrDefault(migration, -1L) == epoch || fenced.getOrDefault(migration, -1L) == epoch)) {
            return;
        }
        if (hasSettled(migration, epoch)) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "migration " + MigrationIds.text(migration) + " has completed: the guest is the destination's");
        }
        find(migration, epoch).renounce();
    }

    @Override
    public void abort(long migration, long epoch, String reason) {
        DestinationMigration known;
        synchronized (stepsOf(migration)) {
            known = migrations.get(migration);
            if (known == null) {
                if (hasSettled(migration, epoch)) {
                    throw new FerryException(
                            ErrorCategory.FAILED_PRECONDITION,
                            "migration " + MigrationIds.text(migration)
                                    + " is committed: the guest runs on the destination");
                }
                // A prepare that is still on its way must not leave anything behind.
                refused.add(migration);
                return;
            }
        }
        known.checkEpoch(epoch);
        known.abort(reason);
    }

    @Override
    public List<PageRuns> missing(long migration, long epoch) {
        if (hasSettled(migration, epoch)) {
            return List.of();
        }
        throwIfRenounced(migration, epoch);
        return find(migration, epoch).missing();
    }

    @Override
    public PostcopyCounts finish(long migration, long epoch) {
        if (hasSettled(migration, epoch)) {
            return PostcopyCounts.NONE;
        }
        PostcopyCounts counts = find(migration, epoch).finish();
        settled.put(migration, new Settled(epoch, clock.nanoTime()));
        return counts;
    }

    @Override
    public LatencyBuckets faultLatency(long migration) {
        DestinationMigration m = migrations.get(migration);
        return m == null ? LatencyBuckets.NONE : m.record().faultLatency();
    }

    @Override
    public void refused(long migration, long epoch, String why) {
        find(migration, epoch).refused(why);
    }

    @Override
    public PostcopyCounts counts(long migration, long epoch) {
        DestinationMigration m = find(migration, epoch);
        m.refresh();
        return m.counts();
    }

    @Override
    public PageReceiver openBulk(long migration, long epoch) {
        return find(migration, epoch).openBulk();
    }

    @Override
    public PageReceiver openDemand(long migration, long epoch, PageRequester requester) {
        return find(migration, epoch).openDemand(requester);
    }

    /** A migration that an earlier daemon had ended before the commit: a late commit is answered. */
    public void rememberFenced(long migration, long epoch) {
        fenced.put(migration, epoch);
    }

    /** Called now and then: ends what a source left behind before the commit, and forgets what nobody asks about any more. */
    public void sweep() {
        for (DestinationMigration m : migrations.values()) {
            try {
                m.look(ABANDONED_NS);
            } catch (RuntimeException e) {
                LOG.error("arrival of {} cannot be ended, tried again", m.guestName(), e);
            }
        }
        migrations.forEach((id, m) -> {
            if (m.endedBefore(clock.nanoTime() - LATE_MESSAGES_NS)) {
                m.fencedEpoch().ifPresent(epoch -> fenced.put(id, epoch));
                m.renouncedEpoch().ifPresent(epoch -> renounced.put(id, epoch));
                ended.put(MigrationIds.text(id), m.record());
                migrations.remove(id);
            }
        });
        settled.entrySet().removeIf(s -> {
            boolean old = clock.nanoTime() - s.getValue().sinceNs() > REMEMBERED_NS;
            if (old) {
                journal.remove(MigrationIds.text(s.getKey()), Side.DESTINATION);
            }
            return old;
        });
    }

    /** An operator's word for a guest that was stopped. */
    MigrationRecord resume(String id) {
        DestinationMigration m = migrations.get(MigrationIds.parse(id));
        if (m == null) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION, "migration " + id + " has ended: there is nothing to resume");
        }
        m.resumeStopped();
        return m.record();
    }

    /** Of all, those that have ended too. */
    List<MigrationRecord> records() {
        List<MigrationRecord> all;
        synchronized (ended) {
            all = new ArrayList<>(ended.values());
        }
        migrations.values().forEach(m -> all.add(m.record()));
        return all;
    }

    Optional<String> moving(String guest) {
        return migrations.values().stream()
                .filter(m -> !m.hasEnded() && m.guestName().equals(guest))
                .map(m -> m.record().snapshot().id())
                .findFirst();
    }

    /** Names of the guests that are on their way here. */
    public Set<String> moving() {
        Set<String> names = new HashSet<>();
        for (DestinationMigration m : migrations.values()) {
            if (!m.hasEnded()) {
                names.add(m.guestName());
            }
        }
        return names;
    }

    private DestinationMigration find(long migration, long epoch) {
        DestinationMigration m = migrations.get(migration);
        if (m == null) {
            throw new FerryException(
                    ErrorCategory.NOT_FOUND, "no migration " + MigrationIds.text(migration) + " arrives here");
        }
        m.checkEpoch(epoch);
        return m;
    }

    private static void checkIndices(IncomingSpec spec) {
        long ram = spec.blocks().stream().filter(RamBlock::guestRam).count();
        for (int i = 0; i < spec.blocks().size(); i++) {
            // Guest RAM first: its bitmaps are indexed by the block's number.
            if (spec.blocks().get(i).index() != i || spec.blocks().get(i).guestRam() != i < ram) {
                throw new IllegalArgumentException("RAM blocks out of order");
            }
        }
        if (ram == 0) {
            throw new IllegalArgumentException("a guest without RAM");
        }
    }
}
