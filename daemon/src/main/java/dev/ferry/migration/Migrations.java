package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.base.Urgency;
import dev.ferry.memory.RamBlock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All migrations of this daemon, both sides. Thread-safe; each that leaves has its own thread. */
public final class Migrations implements MigrationControl, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Migrations.class);
    private static final long STOP_LIMIT_MS = 4_000;
    private static final long ORDER_LOOK_MS = 100;
    private static final long ORDER_LIMIT_MS = 60_000;

    private final GuestHost host;
    private final PeerLink.Dialer dialer;
    private final Destinations destinations;
    private final Journal journal;
    private final NanoClock clock;
    private final LongSupplier unixMs;
    private final LongSupplier newIds;
    private final ThreadFactory threads;
    private final Forecaster forecaster = new Forecaster();
    private final Switchovers switchovers = new Switchovers();
    private final Urgency urgency;
    private final String self;
    private final Map<String, SourceMigration> leaving = new LinkedHashMap<>();
    private final KnownRequests requests;

    /** Requests that are being checked: not known yet. */
    private final Set<String> starting = new HashSet<>();

    private final Map<String, String> movingGuests = new HashMap<>();
    private final FaultPoints faults;
    private boolean stopping;

    /**
     * @param newIds random 64-bit numbers
     * @param urgency of a migration's own thread, by phase
     * @param self how this daemon names itself to peers
     */
    public Migrations(
            GuestHost host,
            PeerLink.Dialer dialer,
            Destinations destinations,
            Journal journal,
            NanoClock clock,
            LongSupplier unixMs,
            LongSupplier newIds,
            ThreadFactory threads,
            Urgency urgency,
            String self) {
        this(host, dialer, destinations, journal, clock, unixMs, newIds, threads, urgency, self, FaultPoints.NONE);
    }

    /** As above, and told at every boundary of the protocol. */
    public Migrations(
            GuestHost host,
            PeerLink.Dialer dialer,
            Destinations destinations,
            Journal journal,
            NanoClock clock,
            LongSupplier unixMs,
            LongSupplier newIds,
            ThreadFactory threads,
            Urgency urgency,
            String self,
            FaultPoints faults) {
        this.host = host;
        this.dialer = dialer;
        this.destinations = destinations;
        this.journal = journal;
        this.clock = clock;
        this.unixMs = unixMs;
        this.newIds = newIds;
        this.threads = threads;
        this.urgency = urgency;
        this.self = self;
        this.faults = faults;
        this.requests = new KnownRequests(clock, unixMs);
    }

    /**
     * At start, before {@link #recover}: requests of earlier daemons are known again, and those of this one are written down.
     */
    public synchronized void remember(RequestLog log) {
        requests.remember(log, journal.readAll());
    }

    @Override
    public Checked check(String guest, String to, String reservation) {
        try (SourceGuest source = host.openSource(guest)) {
            Checked checked =
                    checked(source, spec(source, newIds.getAsLong(), LostPagePolicy.defaults(), reservation), to);
            List<Reason> against = new ArrayList<>(checked.against());
            synchronized (this) {
                if (!movingGuests.containsKey(guest) && outbound() >= limits().outbound()) {
                    against.add(limits().outboundReached());
                }
            }
            return new Checked(
                    against,
                    checked.destinationVersion(),
                    checked.destinationMemoryBytes(),
                    prediction(source, against));
        }
    }

    private Optional<Prediction> prediction(SourceGuest source, List<Reason> against) {
        if (!Reason.areTemporary(against)) { // its memory may be out of reach
            return Optional.empty();
        }
        try {
            long[] bytes = {0};
            for (RamBlock block : source.blocks()) {
                source.memory().forEachPopulated(block, (first, pages) -> bytes[0] += pages * block.pageSizeBytes());
            }
            return Optional.of(new Prediction(bytes[0], forecaster.forecast(bytes[0])));
        } catch (RuntimeException e) {
            LOG.debug("guest {}: nothing is predicted", source.name(), e);
            return Optional.empty();
        }
    }

    /** How many guests may move at once. */
    public MoveLimits limits() {
        return destinations.limits();
    }

    /** How many guests move now. */
    public synchronized MoveLimits.Taken taken() {
        return new MoveLimits.Taken(outbound(), destinations.inbound());
    }

    /** Under the lock: those that leave, whichever daemon began it, and those whose start is being checked. */
    private int outbound() {
        return (int) movingGuests.values().stream()
                .filter(v -> v.contains("\n") || (leaving.containsKey(v) && !hasEnded(v)))
                .count();
    }

    @Override
    public MigrationSnapshot start(String guest, String to, String requestId, Policy policy, StartOptions options) {
        Supplier<MigrationSnapshot> earlier;
        synchronized (this) {
            earlier = reserve(guest, requestId, options.fingerprint());
        }
        if (earlier != null) {
            return earlier.get();
        }
        SourceGuest source = null;
        try {
            source = host.openSource(guest);
            long id = newIds.getAsLong();
            IncomingSpec spec = spec(source, id, policy.lostPages(), options.reservation());
            List<Reason> against = checked(source, spec, to).against();
            if (!against.isEmpty()) {
                throw new CannotMoveException(guest, against);
            }
            return begin(spec, source, to, requestId, policy, options);
        } catch (RuntimeException | Error e) {
            if (source != null) {
                source.close();
            }
            synchronized (this) {
                movingGuests.remove(guest);
                starting.remove(requestId);
                notifyAll();
            }
            if (source != null && e instanceof FerryException f && !(e instanceof CannotMoveException)) {
                throw f.with("nothing was started, guest " + guest + " stays here as it was");
            }
            throw e;
        }
    }

    /** Under the lock: takes the guest, or finds the migration that this request started. */
    private Supplier<MigrationSnapshot> reserve(String guest, String requestId, String fingerprint) {
        if (stopping) {
            throw new FerryException(
                    ErrorCategory.UNAVAILABLE,
                    "SHUTTING_DOWN",
                    Map.of("guest", guest),
                    "ferryd is stopping, guest " + guest + " stays here: ask again when it is back");
        }
        List<String> unreadable = journal.unreadable();
        if (!unreadable.isEmpty()) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "JOURNAL_UNREADABLE",
                    Map.of("guest", guest),
                    "no guest leaves this host while its journal cannot be read, because the guest may have been given away"
                            + " already: look at " + String.join(", ", unreadable)
                            + " and see \"An unreadable journal\" in docs/operations.md");
        }
        String mine = requestId + "\n" + guest;
        requests.forgetOld();
        // The same request may be checking the guest at this moment: its outcome is ours. And a migration that has
        // ended lets go
        // of its guest a moment later.
        while (starting.contains(requestId) || hasEnded(movingGuests.get(guest))) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FerryException(ErrorCategory.UNAVAILABLE, "interrupted", e);
            }
        }
        Optional<MigrationRecord> known = requests.find(requestId, guest, fingerprint);
        if (known.isPresent()) {
            return known.get()::snapshot;
        }
        String other = movingGuests.get(guest);
        if (other != null) {
            throw new FerryException(
                    ErrorCategory.ALREADY_EXISTS,
                    "GUEST_MOVING",
                    other.contains("\n") ? Map.of("guest", guest) : Map.of("guest", guest, "migration", other),
                    "guest " + guest + " is moving already"
                            + (other.contains("\n") ? "" : ", by migration " + other + ": ferry watch " + other));
        }
        if (destinations.moving().contains(guest)) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "GUEST_ARRIVING",
                    Map.of("guest", guest),
                    "guest " + guest + " is still arriving here: wait until its migration has completed");
        }
        if (outbound() >= limits().outbound()) {
            throw new CannotMoveException(guest, List.of(limits().outboundReached()));
        }
        movingGuests.put(guest, mine);
        if (!requestId.isEmpty()) {
            starting.add(requestId);
        }
        return null;
    }

    private boolean hasEnded(String idOrRequest) {
        SourceMigration known = leaving.get(idOrRequest);
        return known != null && known.record().state().hasEnded();
    }

    private synchronized MigrationSnapshot begin(
            IncomingSpec spec, SourceGuest source, String to, String requestId, Policy policy, StartOptions options) {
        String id = MigrationIds.text(spec.migration());
        Journal.Entry entry = new Journal.Entry(
                id,
                Side.SOURCE,
                Journal.Step.PREPARING,
                spec.epoch(),
                spec.guest(),
                to,
                requestId,
                policy.keepSource(),
                unixMs.getAsLong(),
                policy.postcopyBandwidthBytesPerSecond(),
                policy.lostPages(),
                "");
        MigrationRecord record = new MigrationRecord(clock, entry.startedUnixMs(), f -> {
            f.id = id;
            f.guest = spec.guest();
            f.side = Side.SOURCE;
            f.peer = to;
            f.requestId = requestId;
            f.epoch = spec.epoch();
            f.keepSource = policy.keepSource();
            f.limits = Limits.of(policy);
            f.lostPages = policy.lostPages();
            f.reservation = options.reservation();
            f.networkHoldNs = options.networkHoldNs();
            f.reason = "the destination prepares";
            f.memoryTotalBytes =
                    spec.blocks().stream().mapToLong(RamBlock::lengthBytes).sum();
            f.memoryRemainingBytes = f.memoryTotalBytes;
        });
        // An undo or a rollback that could not end left its word for the next daemon. The guest has gone on since, or
        // it
        // would not move; and once it has moved, that word would run a second one.
        journal.readAll().stream()
                .filter(e -> e.step() == Journal.Step.PREPARING || e.step() == Journal.Step.ROLLED_BACK)
                .filter(e -> e.side() == Side.SOURCE)
                .filter(e -> e.guest().equals(spec.guest()))
                .forEach(e -> journal.remove(e.id(), Side.SOURCE));
        MigrationSnapshot first = record.snapshot();
        requests.begun(requestId, options.fingerprint(), record);
        SourceMigration migration = new SourceMigration(
                entry, spec, source, dialer, policy, journal, record, clock, urgency, forecaster, switchovers, faults);
        migration.tellNetworks(() -> events().append(EventLog.Kind.NETWORKS, record.snapshot()), options);
        run(entry, migration);
        return first;
    }

    /**
     * At start: a guest that an earlier daemon gave away goes on leaving, until the destination has everything or says that it
     * never ran.
     *
     * @param entry HANDED_OVER; or ROLLED_BACK: it goes on here
     */
    public synchronized void recover(Journal.Entry entry) {
        Policy policy =
                new Policy(0, 0, 0, entry.postcopyBandwidthBytesPerSecond(), entry.keepSource(), entry.lostPages());
        long ageMs = unixMs.getAsLong() - entry.startedUnixMs();
        MigrationRecord record = new MigrationRecord(clock, entry.startedUnixMs(), ageMs, f -> {
            f.id = entry.id();
            f.guest = entry.guest();
            f.state = MigrationState.RECOVERING;
            f.runsOn = entry.step() == Journal.Step.ROLLED_BACK ? Side.SOURCE : Side.DESTINATION;
            f.side = Side.SOURCE;
            f.peer = entry.peer();
            f.requestId = entry.requestId();
            f.epoch = entry.epoch();
            f.recoveries = 1;
            f.keepSource = entry.keepSource();
            f.limits = Limits.of(policy);
            f.lostPages = policy.lostPages();
            f.reason = "ferryd was restarted: asks the destination";
        });
        run(
                entry,
                new SourceMigration(
                        entry,
                        () -> host.recoverSource(entry.guest()),
                        dialer,
                        policy,
                        journal,
                        record,
                        clock,
                        urgency,
                        forecaster,
                        switchovers,
                        faults));
    }

    /** A guest that an earlier daemon's migration has still a hand on: it does not move, and its name is taken. */
    public synchronized void hold(Journal.Entry entry) {
        movingGuests.put(entry.guest(), entry.id());
    }

    /** Ends {@link #hold}. */
    public synchronized void letGo(Journal.Entry entry) {
        movingGuests.remove(entry.guest(), entry.id());
        notifyAll();
    }

    /**
     * A migration that was undone here, at start, needs no destination any more. It finds out by itself if it cannot be told
     * now, but until then it does not take the guest again.
     *
     * @param entry PREPARING
     */
    public void tellUndone(Journal.Entry entry) {
        threads.newThread(() -> {
                    try (PeerLink link = dialer.dial(entry.peer(), MigrationIds.parse(entry.id()), entry.epoch())) {
                        link.hello();
                        link.abort("the source's ferryd was restarted before the commit");
                    } catch (RuntimeException e) {
                        LOG.info("migration {}: {} was not told that it is undone", entry.id(), entry.peer(), e);
                    }
                })
                .start();
    }

    /** Of those that have ended: a daemon runs for years. What became of the oldest is in their reports and in the audit log. */
    private void forgetOldest() {
        List<String> ended = leaving.keySet().stream().filter(this::hasEnded).toList();
        ended.subList(0, Math.max(0, ended.size() - Destinations.MOST_ENDED)).forEach(leaving::remove);
    }

    private synchronized void run(Journal.Entry entry, SourceMigration migration) {
        String id = entry.id();
        forgetOldest();
        leaving.put(id, migration);
        starting.remove(entry.requestId());
        requests.follow(entry.requestId(), migration.record());
        events().follow(migration.record());
        movingGuests.put(entry.guest(), id);
        notifyAll();
        Thread owner = threads.newThread(() -> {
            try {
                migration.run();
            } catch (RuntimeException | Error e) {
                LOG.error("migration {} of {}: a bug in its owner; its journal is kept", id, entry.guest(), e);
            } finally {
                migration.commands().close();
                synchronized (this) {
                    if (migration.record().state().hasEnded()) {
                        movingGuests.remove(entry.guest());
                    }
                    notifyAll();
                }
            }
        });
        owner.setName(owner.getName().replaceFirst("-.*", "") + "-" + id);
        owner.start();
    }

    @Override
    public MigrationSnapshot get(String id) {
        return record(id).snapshot();
    }

    @Override
    public List<MigrationSnapshot> list() {
        List<MigrationSnapshot> all = new ArrayList<>();
        synchronized (this) {
            leaving.values().forEach(m -> all.add(m.record().snapshot()));
            requests.past().forEach(r -> all.add(r.snapshot()));
        }
        destinations.records().forEach(r -> all.add(r.snapshot()));
        all.sort(Comparator.comparingLong(MigrationSnapshot::startedUnixMs)
                .reversed()
                .thenComparing(MigrationSnapshot::id));
        return all;
    }

    @Override
    public MigrationSnapshot switchToPostcopy(String id) {
        SourceMigration m = source(id, "postcopy");
        if (!m.commands().requestSwitch()) {
            throw late(m, ended(m, "ALREADY_SWITCHED"), "has switched already");
        }
        return m.record().snapshot();
    }

    @Override
    public MigrationSnapshot cancel(String id) {
        SourceMigration m = source(id, "cancel");
        if (!m.commands().cancel()) {
            throw late(m, ended(m, "ALREADY_SWITCHED"), "cannot be cancelled any more");
        }
        try {
            m.record().awaitEnd();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FerryException(ErrorCategory.UNAVAILABLE, "interrupted while the cancel is under way", e);
        }
        return m.record().snapshot();
    }

    @Override
    public EventLog events() {
        return destinations.events();
    }

    @Override
    public MigrationSnapshot confirmNetworks(String id) {
        SourceMigration m = source(id, "ConfirmNetworks");
        MigrationSnapshot s = m.record().snapshot();
        if (s.state().hasEnded() && s.runsOn() == Side.SOURCE) {
            throw late(
                    m,
                    "ALREADY_ENDED",
                    "has ended and moves no networks: leave them, or move them back, to the source");
        }
        m.commands().confirmNetworks();
        m.record().update(f -> f.networksConfirmed = true);
        return m.record().snapshot();
    }

    @Override
    public MigrationSnapshot setLimits(String id, Limits.Change change) {
        SourceMigration m = source(id, "limit");
        if (!m.limits().change(change)) {
            throw late(m, "ALREADY_ENDED", "has ended and takes no limits");
        }
        return m.record().snapshot();
    }

    @Override
    public MigrationSnapshot rollback(String id, boolean acceptDataLoss, boolean destinationIsFenced) {
        SourceMigration m = source(id, "rollback");
        throwIfNothingToRollBack(m);
        if (m.wasRolledBack()) {
            return awaitEnd(m);
        }
        if (!acceptDataLoss) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "DATA_LOSS_NOT_ACCEPTED",
                    about(m.record().snapshot()),
                    "a rollback of migration " + id
                            + " loses everything that its guest did since the switch: what it wrote to"
                            + " its disks stays there and its memory does not know of it, so file systems may break, and"
                            + " what it said on the network was said. Say --accept-data-loss if that is meant");
        }
        SourceCommands.Rollback order = new SourceCommands.Rollback(destinationIsFenced);
        m.commands().order(order);
        try {
            for (long waitedMs = 0; !order.await(ORDER_LOOK_MS); waitedMs += ORDER_LOOK_MS) {
                boolean moot = m.record().state().hasEnded() || waitedMs > ORDER_LIMIT_MS;
                if (moot && m.commands().withdraw(order)) {
                    throwIfNothingToRollBack(m);
                    throw new FerryException(
                            ErrorCategory.UNAVAILABLE,
                            "migration " + id + " does not get to it: "
                                    + m.record().snapshot().reason());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FerryException(ErrorCategory.UNAVAILABLE, "interrupted while the rollback is under way", e);
        }
        return m.record().snapshot();
    }

    private static void throwIfNothingToRollBack(SourceMigration m) {
        if (m.wasRolledBack()) {
            return;
        }
        MigrationSnapshot s = m.record().snapshot();
        if (s.state().hasEnded()) {
            throw late(m, "ALREADY_ENDED", "has ended: there is nothing to roll back");
        }
        if (s.runsOn() == Side.SOURCE) {
            throw late(
                    m, "NOT_COMMITTED", "is not committed, so there is nothing to roll back: ferry cancel undoes it");
        }
    }

    private static MigrationSnapshot awaitEnd(SourceMigration m) {
        try {
            m.record().awaitEnd();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FerryException(ErrorCategory.UNAVAILABLE, "interrupted", e);
        }
        return m.record().snapshot();
    }

    @Override
    public MigrationSnapshot resume(String id) {
        synchronized (this) {
            SourceMigration m = leaving.get(id);
            if (m != null) {
                throw new FerryException(
                        ErrorCategory.FAILED_PRECONDITION,
                        "WRONG_SIDE",
                        about(m.record().snapshot()),
                        "migration " + id + " leaves here: say resume to the ferryd of the destination, "
                                + m.record().snapshot().peer());
            }
        }
        record(id); // NOT_FOUND with what there is
        return destinations.resume(id).snapshot();
    }

    @Override
    public MigrationSnapshot awaitChange(String id, long version, long timeoutMs) throws InterruptedException {
        return record(id).await(version, timeoutMs);
    }

    @Override
    public Listening onStateChange(String id, Runnable listener) {
        return record(id).onStateChange(listener);
    }

    /** All that are known, for whoever measures them. */
    public List<MigrationProbe> probes() {
        List<MigrationProbe> all = new ArrayList<>();
        synchronized (this) {
            leaving.values().forEach(m -> all.add(m.record()));
        }
        all.addAll(destinations.records());
        return all;
    }

    /** The migration that moves this guest now, in either direction. */
    public synchronized Optional<String> moving(String guest) {
        String id = movingGuests.get(guest);
        if (id != null) {
            return Optional.of(id);
        }
        return destinations.moving(guest);
    }

    /** Before the commit a migration is undone; after it the journal says how to go on when the daemon is back. */
    @Override
    public void close() {
        List<SourceMigration> all;
        synchronized (this) {
            stopping = true;
            all = List.copyOf(leaving.values());
        }
        all.forEach(m -> m.commands().cancel());
        long end = clock.nanoTime() + STOP_LIMIT_MS * 1_000_000;
        for (SourceMigration m : all) {
            try {
                while (!m.record().state().hasEnded()
                        && m.record().snapshot().runsOn() == Side.SOURCE
                        && clock.nanoTime() < end) {
                    m.record().await(m.record().snapshot().version(), 100);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private Checked checked(SourceGuest source, IncomingSpec spec, String to) {
        List<Reason> all = new ArrayList<>(source.preflight());
        try (PeerLink link = dialer.dial(to, spec.migration(), spec.epoch())) {
            String version = link.hello();
            all.addAll(link.check(spec));
            return new Checked(all, version, link.memoryAvailableBytes(), Optional.empty());
        }
    }

    private IncomingSpec spec(SourceGuest source, long id, LostPagePolicy lostPages, String reservation) {
        return new IncomingSpec(
                id,
                1,
                source.name(),
                source.definitionJson(),
                source.qemuVersion(),
                source.machine(),
                source.blocks(),
                self,
                lostPages,
                reservation);
    }

    private MigrationRecord record(String id) {
        synchronized (this) {
            SourceMigration m = leaving.get(id);
            if (m != null) {
                return m.record();
            }
            Optional<MigrationRecord> past =
                    requests.past().filter(r -> r.snapshot().id().equals(id)).findFirst();
            if (past.isPresent()) {
                return past.get();
            }
        }
        return destinations.records().stream()
                .filter(r -> r.snapshot().id().equals(id))
                .findFirst()
                .orElseThrow(() -> new FerryException(
                        ErrorCategory.NOT_FOUND,
                        "MIGRATION_UNKNOWN",
                        Map.of("migration", id),
                        "no migration " + id + " on this host: see ferry list"));
    }

    private SourceMigration source(String id, String command) {
        synchronized (this) {
            SourceMigration m = leaving.get(id);
            if (m != null) {
                return m;
            }
        }
        MigrationSnapshot other = record(id).snapshot();
        if (other.side() == Side.SOURCE) {
            throw late(other, "ALREADY_ENDED", "has ended");
        }
        throw new FerryException(
                ErrorCategory.FAILED_PRECONDITION,
                "WRONG_SIDE",
                about(other),
                "migration " + id + " arrives here: say " + command + " to the ferryd of the source, " + other.peer());
    }

    private static String ended(SourceMigration m, String otherwise) {
        return m.record().state().hasEnded() ? "ALREADY_ENDED" : otherwise;
    }

    private static FerryException late(SourceMigration m, String reason, String what) {
        return late(m.record().snapshot(), reason, what);
    }

    /** For programs: what it is about, and where the guest is. */
    private static Map<String, String> about(MigrationSnapshot s) {
        return Map.of(
                "migration", s.id(),
                "guest", s.guest(),
                "state", s.state().name(),
                "runs_on", s.runsOn().name(),
                "peer", s.peer());
    }

    private static FerryException late(MigrationSnapshot s, String reason, String what) {
        return new FerryException(
                ErrorCategory.FAILED_PRECONDITION,
                reason,
                about(s),
                "migration " + s.id() + " " + what + ": it is " + s.state() + ", the guest "
                        + (s.runsOn() == Side.SOURCE ? "runs on the source" : "belongs to the destination"));
    }
}
