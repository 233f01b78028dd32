package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.base.Urgency;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.MigrationSnapshot.PostcopyCounts;
import dev.ferry.migration.MigrationSnapshot.PrecopyCounts;
import dev.ferry.precopy.PageSender;
import dev.ferry.precopy.Precopy;
import dev.ferry.precopy.PrecopyProgress;
import dev.ferry.precopy.SentPages;
import dev.ferry.precopy.StopRule;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A guest leaves: prepare → pre-copy → switchover → commit → post-copy → done, top to bottom. One thread, the owner, runs it
 * and owns everything here; people talk to it through {@link SourceCommands} and
 * {@link SourceLimits}.
 *
 * <p>Who owns the guest: until HANDED_OVER is in the journal, whatever happens ends in {@link #undo} with the guest running
 * here. From then on the guest is the destination's and nothing here resumes it, unless the destination itself says that it
 * never ran the guest and never will; or an operator orders it, when the guest has ended there.
 */
final class SourceMigration implements Runnable, PrecopyProgress {
    private static final Logger LOG = LoggerFactory.getLogger(SourceMigration.class);
    private static final long BACKOFF_FIRST_NS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long LAST_ANSWERS_NS = TimeUnit.SECONDS.toNanos(1);
    private static final long FINISH_AGAIN_NS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final String SENDING = "sending memory while the guest runs on the source";
    private static final int WARMING_CALLS = 8;
    private static final String NETWORK_HOLD = "network-hold";

    /** For the switchovers of others. After so long something is stuck, and it is not waited for. */
    private static final long TURN_LIMIT_NS = TimeUnit.SECONDS.toNanos(15);

    /** A cancel is seen so soon; the turn itself at once. */
    private static final long TURN_LOOK_NS = TimeUnit.MILLISECONDS.toNanos(5);

    /** A guest that waits longer writes more than the switch should leave behind. */
    private static final long TOP_UP_EVERY_NS = TimeUnit.MILLISECONDS.toNanos(300);

    /** A cancel is seen so soon; a confirmation ends the wait at once. */
    private static final long NETWORK_LOOK_NS = TimeUnit.MILLISECONDS.toNanos(5);

    private static final int BASE_PAGE_BYTES = 4096;
    private static final long BACKOFF_MAX_NS = TimeUnit.MILLISECONDS.toNanos(250);

    private final long id;
    private final long epoch;
    private final PeerLink.Dialer dialer;
    private final String peer;
    private final Policy policy;
    private final Journal journal;
    private final Journal.Entry entry;
    private final MigrationRecord record;
    private final NanoClock clock;
    private final Urgency urgency;
    private final Forecaster forecaster;
    private final Switchovers switchovers;
    private final FaultPoints faults;
    private final SourceCommands commands = new SourceCommands();
    private final SourceLimits limits;

    /** Opens the guest that an earlier daemon gave away; not used otherwise. */
    private final Supplier<SourceGuest> reopen;

    private Runnable networks = () -> {};
    private StartOptions options = StartOptions.NONE;

    private SourceGuest guest;
    private SentPages sent;
    private IncomingSpec spec;

    /** Null until it was dialled once. */
    private PeerLink link;

    /** Hello was answered and nothing has failed since. */
    private boolean linked;

    private PeerLink.BulkLink bulk;
    private Precopy precopy;

    /** Null: it has none, and does not switch. */
    private Switchovers.Turn turn;

    private int retries;
    private boolean prepared;
    private boolean stopped;
    private boolean committed;
    private boolean fenced;

    /** By an operator's order; read by whoever orders it again. */
    private volatile boolean rolledBack;

    private boolean handedOver;
    private SourcePages demandPages;
    private Stopwatch blackout;
    private long precopyBeginNs;
    private long bytesBefore;
    private long lastProgressNs;
    private long lastSyncNs;

    SourceMigration(
            Journal.Entry entry,
            IncomingSpec spec,
            SourceGuest guest,
            PeerLink.Dialer dialer,
            Policy policy,
            Journal journal,
            MigrationRecord record,
            NanoClock clock,
            Urgency urgency,
            Forecaster forecaster,
            Switchovers switchovers,
            FaultPoints faults) {
        this(entry, () -> guest, dialer, policy, journal, record, clock, urgency, forecaster, switchovers, faults);
        this.spec = spec;
        open(guest);
    }

    /** @param entry if it is HANDED_OVER or ROLLED_BACK, the migration goes on where an earlier daemon died */
    SourceMigration(
            Journal.Entry entry,
            Supplier<SourceGuest> reopen,
            PeerLink.Dialer dialer,
            Policy policy,
            Journal journal,
            MigrationRecord record,
            NanoClock clock,
            Urgency urgency,
            Forecaster forecaster,
            Switchovers switchovers,
            FaultPoints faults) {
        this.urgency = urgency;
        this.forecaster = forecaster;
        this.switchovers = switchovers;
        this.faults = faults;
        this.id = MigrationIds.parse(entry.id());
        this.epoch = entry.epoch();
        this.entry = entry;
        this.reopen = reopen;
        this.dialer = dialer;
        this.peer = entry.peer();
        this.policy = policy;
        this.journal = journal;
        this.record = record;
        this.clock = clock;
        this.limits = new SourceLimits(Limits.of(policy), record, clock);
    }

    private void open(SourceGuest opened) {
        guest = opened;
        sent = new SentPages(opened.blocks());
        record.pages(opened.blocks());
    }

    /** Before it runs: who hears when the guest's networks are to be moved, and how long the paused guest waits for that. */
    void tellNetworks(Runnable networks, StartOptions options) {
        this.networks = networks;
        this.options = options;
    }

    SourceCommands commands() {
        return commands;
    }

    SourceLimits limits() {
        return limits;
    }

    MigrationRecord record() {
        return record;
    }

    @Override
    public void run() {
        if (entry.step() == Journal.Step.ROLLED_BACK) {
            recover();
            runStale("the order was given to an earlier ferryd");
            forget();
            return;
        }
        if (entry.step() == Journal.Step.HANDED_OVER) {
            recover();
        } else {
            try {
                prepare();
                preCopy();
                switchover();
                endTurn();
            } catch (RuntimeException | Error e) {
                endTurn(); // whoever is next does not wait for an undo
                if (!handedOver) {
                    undo(e);
                    forget();
                    return;
                }
                // Whatever it was, the destination may run the guest: only its own answer can give it back.
                lost(e);
            }
        }
        untilCommitted();
        if (committed) {
            postCopy();
        }
        forget();
    }

    /** The record outlives the migration; its memory does not. */
    private void forget() {
        link = null;
        bulk = null;
        precopy = null;
        demandPages = null;
        sent = null;
    }

    /** The guest was given away by a daemon that is gone. Only the destination's word lets it go on here. */
    private void recover() {
        commands.close();
        stopped = true;
        handedOver = true;
        blackout = new Stopwatch(clock);
        Backoff backoff = new Backoff(clock);
        while (guest == null) {
            try {
                open(reopen.get());
            } catch (RuntimeException | Error e) {
                lost(e);
                backoff.pause();
            }
        }
        long totalBytes =
                guest.blocks().stream().mapToLong(RamBlock::lengthBytes).sum();
        record.update(f -> f.memoryTotalBytes = totalBytes);
    }

    private void prepare() {
        journal.write(entry);
        faults.at(FaultPoint.DEPARTURE_JOURNALLED);
        link = dialer.dial(peer, id, epoch);
        link.hello();
        faults.at(FaultPoint.HELLO_ANSWERED);
        linked = true;
        prepared = true; // from here the destination may hold something, whatever the answer
        link.prepare(spec);
        faults.at(FaultPoint.PREPARE_ANSWERED);
        commands.throwIfCancelled();
        bulk = link.openBulk();
        faults.at(FaultPoint.BULK_OPENED);
        guest.prepareDeviceState();
        guest.memory().startTracking();
        faults.at(FaultPoint.TRACKING_BEGUN);
        if (guest.usesDirectIo()) {
            settleDirectIo();
        }
    }

    /** Requests of O_DIRECT disks pinned their pages before the write protection: let them end, so that later ones are seen. */
    private void settleDirectIo() {
        stopped = true;
        guest.stop();
        guest.cont();
        stopped = false;
        sent.distrustDirtyPages();
    }

    private void preCopy() {
        urgency.background(); // what copies gives way to the vCPUs
        record.state(MigrationState.PRECOPY, SENDING);
        precopyBeginNs = clock.nanoTime();
        precopy = new Precopy(
                guest.memory(),
                bulk,
                sent,
                new PageSender(guest.memory(), bulk, largestPageBytes()),
                limits.precopy(),
                new StopRule(policy.precopyRounds(), policy.precopyNs()),
                commands,
                this,
                clock);
        while (true) {
            try {
                precopy.run();
                faults.at(FaultPoint.PRECOPY_ENDED);
                awaitTurn();
                demandPages = new SourcePages(guest.memory(), sent, clock);
                link.openDemand(demandPages);
                faults.at(FaultPoint.DEMAND_OPENED);
                return;
            } catch (FerryException e) {
                endTurn();
                if (!isLinkLost()) {
                    throw e;
                }
                tryAgain(e);
            }
        }
    }

    /** One blackout of this host at a time: see {@link Switchovers}. The guest runs meanwhile, and little of it gets stale. */
    private void awaitTurn() {
        turn = switchovers.queue();
        long beginNs = clock.nanoTime();
        long syncedNs = beginNs;
        while (!turn.hasCome()) {
            commands.throwIfCancelled();
            link.throwIfBroken();
            long now = clock.nanoTime();
            if (now - beginNs > TURN_LIMIT_NS) {
                LOG.warn("migration {}: its turn to switch does not come, it goes on without", entry.id());
                return;
            }
            if (syncedNs == beginNs) {
                record.state(MigrationState.PRECOPY, "waits until another guest of this host has switched");
            }
            if (now - syncedNs > TOP_UP_EVERY_NS) {
                precopy.topUp(turn::hasCome);
                syncedNs = clock.nanoTime();
            }
            clock.parkNanos(TURN_LOOK_NS);
        }
    }

    private void endTurn() {
        if (turn != null) {
            turn.close();
            turn = null;
        }
    }

    /** Whether it was the connection that failed: not the guest, and not a destination that refused something. */
    private boolean isLinkLost() {
        try {
            link.throwIfBroken();
            return false;
        } catch (FerryException e) {
            return isAway(e);
        }
    }

    private static boolean isAway(FerryException e) {
        return e.category() == ErrorCategory.UNAVAILABLE || e.category() == ErrorCategory.DEADLINE_EXCEEDED;
    }

    /**
     * In pre-copy the connection was lost, and the guest runs on: it is tried again, within limits. Returns when pages can flow
     * again. What was sent since the last barrier counts as unsent, whatever the destination has of it; and so does what the
     * destination says is missing.
     */
    private void tryAgain(FerryException lost) {
        RetryLimits limit = dialer.retryLimits();
        if (limit.ns() == 0 || retries == limit.times()) {
            throw retries == 0 ? lost : givenUp(lost, "for the " + (retries + 1) + ". time");
        }
        retries++;
        LOG.warn("migration {}: connection lost, tried again: {}", entry.id(), lost.getMessage());
        record.update(f -> f.recoveries++);
        record.state(MigrationState.PRECOPY, "connection lost, tried again: " + lost.getMessage());
        bytesBefore += link.bytesSent();
        long endNs = clock.nanoTime() + limit.ns();
        Backoff backoff = new Backoff(clock);
        while (true) {
            link.close();
            link = dialer.dial(peer, id, epoch);
            try {
                link.reconnect(false, () -> goOnTrying(lost, endNs));
                List<PageRuns> missing = link.missing();
                bulk = link.openBulk(); // what is under way on the lost stream is not placed any more
                precopy.restart(bulk);
                for (PageRuns runs : missing) {
                    RamBlock block = ramBlock(runs.block());
                    runs.forEach(block.pageCount(), (first, pages) -> sent.distrust(block, first, pages));
                }
                LOG.info("migration {}: connected again", entry.id());
                record.state(MigrationState.PRECOPY, "connected again: " + SENDING);
                return;
            } catch (FerryException e) {
                if (!isAway(e)) {
                    throw e; // the destination has given it up
                }
                goOnTrying(lost, endNs);
                backoff.pause();
            }
        }
    }

    private RamBlock ramBlock(int index) {
        if (index < 0 || index >= sent.blocks().size()) {
            throw new FerryException(ErrorCategory.INVALID_ARGUMENT, "the destination names RAM block " + index);
        }
        return sent.blocks().get(index);
    }

    private void goOnTrying(FerryException lost, long endNs) {
        commands.throwIfCancelled();
        if (clock.nanoTime() > endNs) {
            throw givenUp(
                    lost,
                    "and did not come back within "
                            + TimeUnit.NANOSECONDS.toSeconds(
                                    dialer.retryLimits().ns()) + " s");
        }
    }

    private static FerryException givenUp(FerryException lost, String how) {
        return new FerryException(
                lost.category(), "the connection was lost in pre-copy " + how + ": " + lost.getMessage(), lost);
    }

    private void switchover() {
        commands.throwIfCancelled();
        record.state(MigrationState.SWITCHOVER, "the guest is paused");
        urgency.urgent();
        warmUp();
        blackout = new Stopwatch(clock);
        stopped = true; // also when stop() fails half-way: undo() lets the guest go on
        guest.stop();
        faults.at(FaultPoint.GUEST_STOPPED);
        networks.run();
        blackout.cut("stop");
        byte[] deviceState = guest.saveDeviceState();
        faults.at(FaultPoint.DEVICE_STATE_SAVED);
        blackout.cut("save-device-state");
        precopy.dirtySync();
        sent.markDistrustedDirty();
        List<PageRuns> stale = staleRuns();
        List<SmallPages> small = lastSmallPages();
        faults.at(FaultPoint.LAST_SYNC_DONE);
        blackout.cut("dirty-sync");
        forecaster.sawResidual(sent.unsentBytes(), precopy.firstBytes());
        Arrivals.Switched switched = link.switchover(bulk.sequence(), stale, small, deviceState);
        blackout.cut(switched.phases(), "transfer");
        faults.at(FaultPoint.SWITCHOVER_ANSWERED);
        if (options.networkHoldNs() > 0) {
            waitForNetworks();
            // It was long: a destination that has gone meanwhile must not be given the guest, while it can still go on
            // here.
            link.throwIfBroken();
            link.hello();
            blackout.cut(NETWORK_HOLD);
        }
        commands.closeToCancel();
        handOver();
        faults.at(FaultPoint.HANDED_OVER_JOURNALLED);
        record.update(f -> {
            f.runsOn = Side.DESTINATION;
            f.postcopy = residual(switched.residualPages());
        });
        blackout.cut("journal");
        try {
            settle(link.commit());
        } catch (RuntimeException | Error e) {
            lost(e);
        }
    }

    /**
     * What was last used seconds ago has left the caches, and a call that takes 0.5 ms warm takes 2 ms cold: it is paid for while
     * the guest still runs.
     */
    private void warmUp() {
        for (int i = 0; i < WARMING_CALLS; i++) {
            link.hello();
            guest.warmUp();
        }
    }

    /** The guest stands still meanwhile: only as long as whoever started the move has said. A cancel ends it. */
    private void waitForNetworks() {
        long endNs = clock.nanoTime() + options.networkHoldNs();
        while (!commands.networksConfirmed(Thread.currentThread())) {
            commands.throwIfCancelled();
            link.throwIfBroken();
            long leftNs = endNs - clock.nanoTime();
            if (leftNs <= 0) {
                if (options.networkRequired()) {
                    throw new FerryException(
                            ErrorCategory.DEADLINE_EXCEEDED,
                            "nobody confirmed the guest's networks at the destination within "
                                    + TimeUnit.NANOSECONDS.toMillis(options.networkHoldNs())
                                    + " ms, and they are required: look at what moves them, and start again");
                }
                LOG.warn("migration {}: the networks were not confirmed in time, the move goes on", entry.id());
                return;
            }
            clock.parkNanos(Math.min(leftNs, NETWORK_LOOK_NS));
        }
    }

    /** From here on nothing resumes the guest here but the destination's word that it never ran there. */
    private void handOver() {
        handedOver = true;
        try {
            journal.write(entry.at(Journal.Step.HANDED_OVER));
        } catch (RuntimeException | Error e) {
            handedOver = false;
            throw e;
        }
    }

    /** The destination's answer to the commit is final, either way. */
    private void settle(Arrivals.Committed answer) {
        if (entry.step() != Journal.Step.HANDED_OVER) {
            blackout.cut(answer.phases(), "commit");
        }
        if (answer.fenced()) {
            fenced = true;
            record.runsOn(Side.SOURCE);
            takeBack();
            undo(new FerryException(
                    ErrorCategory.ABORTED, "the destination could not run the guest: " + answer.message()));
            return;
        }
        faults.at(FaultPoint.COMMIT_ANSWERED);
        committed = true;
        record.update(f -> f.phases = blackout.phases());
        forecaster.sawBlackout(
                blackout.phases().stream()
                        .filter(phase -> !phase.name().equals(NETWORK_HOLD)) // as long as somebody else took
                        .mapToLong(PhaseTime::durationNs)
                        .sum(),
                lastSyncNs);
        record.state(MigrationState.POSTCOPY, "the guest runs on the destination");
    }

    /** A daemon that comes after us must find the guest here, not ask for it. The guest does not wait for a journal that is full. */
    private void takeBack() {
        try {
            journal.write(entry.at(Journal.Step.PREPARING));
        } catch (RuntimeException e) {
            LOG.warn("migration {}: the journal still says HANDED_OVER, the guest goes on here", entry.id(), e);
        }
    }

    /** HANDED_OVER is written: the question is repeated until it is answered. */
    private void untilCommitted() {
        urgency.normal();
        Backoff backoff = new Backoff(clock);
        while (!committed && !fenced && !obeyRollback()) {
            try {
                reconnect();
                offerPages();
                settle(link.commit());
            } catch (RuntimeException | Error e) {
                lost(e);
                backoff.pause();
            }
        }
    }

    /**
     * The destination may be in the middle of resuming the guest, or have died before it could, and its QEMU may wait for a
     * page meanwhile.
     */
    private void offerPages() {
        if (!guest.hasMemory()) {
            return;
        }
        if (demandPages == null) {
            demandPages = new SourcePages(guest.memory(), sent, clock);
        }
        try {
            link.openDemand(demandPages);
        } catch (FerryException e) {
            if (e.category() != ErrorCategory.FAILED_PRECONDITION && e.category() != ErrorCategory.NOT_FOUND) {
                throw e;
            }
            LOG.debug("migration {}: nothing to serve: {}", entry.id(), e.getMessage());
        }
    }

    private void postCopy() {
        Backoff backoff = new Backoff(clock);
        boolean synchronised = linked && bulk != null;
        while (true) {
            if (obeyRollback()) {
                return;
            }
            try {
                if (!synchronised) {
                    if (!linked) {
                        reconnect();
                    }
                    synchronised = true;
                    List<PageRuns> missing = link.missing();
                    if (!missing.isEmpty()) {
                        resynchronise(missing);
                        push();
                    }
                    backoff.reset();
                } else {
                    push();
                }
                PostcopyCounts counts = finish();
                faults.at(FaultPoint.FINISH_ANSWERED);
                record.faultLatency(link.faultLatency());
                record.update(f -> {
                    if (counts.ns() > 0) {
                        f.postcopy = counts;
                    }
                    f.bytesSent = bytesBefore + link.bytesSent();
                    f.memoryRemainingBytes = 0;
                });
                MigrationSnapshot done = record.snapshot();
                if (done.recoveries() == 0 && done.limits().postcopyBandwidthBytesPerSecond() == 0) {
                    forecaster.sawPostcopy(counts.ns(), counts.residualPages());
                }
                break;
            } catch (RuntimeException | Error e) {
                lost(e);
                synchronised = false;
                backoff.pause();
            }
        }
        release();
    }

    private void push() {
        urgency.background();
        faults.at(FaultPoint.PUSH_BEGUN);
        PageSender sender = new PageSender(guest.memory(), bulk, largestPageBytes());
        new BackgroundPush(demandPages, sender, link, bulk, limits.postcopy(), this::postcopyProgress).run();
        faults.at(FaultPoint.PUSH_ENDED);
    }

    /** The last answers to faults may still be on their way when the push is done. */
    private PostcopyCounts finish() {
        long giveUpNs = clock.nanoTime() + LAST_ANSWERS_NS;
        while (true) {
            try {
                return link.finish();
            } catch (FerryException e) {
                if (e.category() != ErrorCategory.FAILED_PRECONDITION || clock.nanoTime() > giveUpNs) {
                    throw e;
                }
                link.throwIfBroken();
                clock.parkNanos(FINISH_AGAIN_NS);
            }
        }
    }

    private void reconnect() {
        if (link != null) {
            link.close();
        }
        bulk = null;
        link = dialer.dial(peer, id, epoch);
        link.reconnect(true, () -> {});
        linked = true;
        faults.at(FaultPoint.RECONNECTED);
    }

    /** What the destination says is missing is what is sent; everything else it has. */
    private void resynchronise(List<PageRuns> missing) {
        if (!guest.hasMemory()) {
            String gone = "the source's QEMU has ended, and with it pages that had not left";
            link.pagesLost(gone); // the destination knows what its operator wants then
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    gone + ": guest " + entry.guest() + " is without them at the destination");
        }
        sent.blocks().forEach(sent::resetToAllSent);
        demandPages = new SourcePages(guest.memory(), sent, clock); // its order goes through the pages just once
        for (PageRuns runs : missing) {
            RamBlock block = demandPages.block(runs.block());
            runs.forEach(block.pageCount(), (first, pages) -> sent.markUnsent(block, first, pages));
        }
        link.openDemand(demandPages);
        bulk = link.openBulk();
        record.state(MigrationState.POSTCOPY, "connected again");
        faults.at(FaultPoint.RESYNCHRONISED);
    }

    /** Between two attempts to reach a destination that runs the guest, or ran it. @return whether the guest is ours again */
    private boolean obeyRollback() {
        SourceCommands.Rollback order = commands.takeRollback();
        if (order == null) {
            return false;
        }
        try {
            if (!guest.isAlive()) {
                throw new FerryException(
                        ErrorCategory.FAILED_PRECONDITION,
                        "there is nothing to roll back to: the QEMU of guest " + entry.guest()
                                + " has ended on the source too. Start it anew from its disks");
            }
            String fencedBy = confirmLost(order.destinationIsFenced);
            journal.write(entry.at(Journal.Step.ROLLED_BACK));
            faults.at(FaultPoint.ROLLBACK_JOURNALLED);
            runStale(fencedBy);
        } catch (RuntimeException | Error e) {
            LOG.warn("migration {}: the rollback is refused: {}", entry.id(), e.getMessage());
            order.refuse(e);
            return rolledBack;
        }
        order.done();
        return true;
    }

    /** While pages are pushed the guest most likely lives: then nothing is broken off for an order. */
    private void askBeforeRollback() {
        SourceCommands.Rollback order = commands.takeRollback();
        if (order == null) {
            return;
        }
        try {
            link.confirmLost();
        } catch (RuntimeException | Error e) {
            order.refuse(e);
            return;
        }
        commands.order(order);
        throw new FerryException(ErrorCategory.FAILED_PRECONDITION, "the guest is lost at the destination");
    }

    /** @return on whose word nothing of the guest runs at the destination, for people */
    private String confirmLost(boolean operatorSaysSo) {
        linked = false;
        try {
            reconnect();
            link.confirmLost();
            faults.at(FaultPoint.LOSS_CONFIRMED);
            return "the destination has confirmed that its QEMU is gone for good";
        } catch (FerryException e) {
            boolean silent = switch (e.category()) {
                // A host that was restarted has forgotten everything; so has one where this never was.
                case UNAVAILABLE, DEADLINE_EXCEEDED, NOT_FOUND -> true;
                case INVALID_ARGUMENT,
                        ALREADY_EXISTS,
                        FAILED_PRECONDITION,
                        RESOURCE_EXHAUSTED,
                        PERMISSION_DENIED,
                        ABORTED,
                        UNIMPLEMENTED,
                        INTERNAL -> false;
            };
            if (!silent) {
                throw e;
            }
            if (operatorSaysSo) {
                return "the destination did not answer, and the operator has said that it is fenced";
            }
            // Not UNAVAILABLE: asking once more changes nothing, somebody has to do something.
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "the destination cannot confirm that its QEMU is gone (" + e.getMessage()
                            + "). Start its ferryd and order it again; or make sure yourself that the guest's QEMU there"
                            + " has ended and cannot come back, and say --destination-is-fenced",
                    e);
        }
    }

    /** ROLLED_BACK is written. The guest goes on here, as it was when it was stopped for the switch. */
    private void runStale(String fencedBy) {
        rolledBack = true;
        fenced = true;
        record.runsOn(Side.SOURCE);
        if (!guest.isAlive()) {
            journal.remove(entry.id(), Side.SOURCE);
            commands.close();
            record.update(f -> f.error = "rolled back, but its QEMU has ended on the source too");
            record.state(MigrationState.FAILED, "the guest has ended on both sides: start it anew from its disks");
            return;
        }
        undo(new FerryException(
                ErrorCategory.ABORTED,
                "rolled back by an operator's order: what guest " + entry.guest()
                        + " has done since it was switched to " + peer + " is lost; " + fencedBy));
    }

    boolean wasRolledBack() {
        return rolledBack;
    }

    /** The destination has everything. */
    private void release() {
        urgency.normal();
        StringBuilder trouble = new StringBuilder();
        attempt(trouble, "end the write tracking", () -> guest.memory().stopTracking());
        faults.at(FaultPoint.TRACKING_ENDED);
        boolean gone = attempt(trouble, "end the source QEMU", () -> guest.depart(policy.keepSource()));
        faults.at(FaultPoint.SOURCE_QEMU_ENDED);
        attempt(trouble, "close the connection", link::close);
        attempt(trouble, "let go of the source QEMU", guest::close);
        if (gone) { // else the next daemon tries again: a stale guest must not be taken for one of this host
            attempt(trouble, "remove the journal's entry", () -> journal.remove(entry.id(), Side.SOURCE));
        }
        faults.at(FaultPoint.DEPARTURE_FORGOTTEN);
        record.state(MigrationState.COMPLETED, "everything is at the destination" + trouble);
    }

    /** After HANDED_OVER: the peer is away. */
    private void lost(Throwable e) {
        linked = false;
        bulk = null;
        if (link != null) {
            bytesBefore += link.bytesSent();
            link.close();
            link = null;
        }
        String why = e.getMessage() == null ? e.toString() : e.getMessage();
        if (record.state() != MigrationState.RECOVERING) {
            record.update(f -> f.recoveries++);
        }
        if (!(e instanceof FerryException)) {
            LOG.error("migration {}: {}", entry.id(), why, e);
        } else if (!why.equals(record.snapshot().reason())) {
            LOG.warn("migration {}: {}", entry.id(), why);
        }
        record.state(MigrationState.RECOVERING, why);
    }

    /** Before the commit, or refused by the destination: as if nothing had happened, with the guest running here. */
    private void undo(Throwable cause) {
        urgency.normal();
        boolean asked = cause instanceof SourceCommands.CancelledException;
        String why = cause.getMessage() == null ? cause.toString() : cause.getMessage();
        if (!asked) {
            LOG.warn("migration {} of {} is undone", entry.id(), entry.guest(), cause);
        }
        StringBuilder trouble = new StringBuilder();
        faults.at(FaultPoint.UNDO_BEGUN);
        // The guest first: every millisecond of it is somebody's, and no commit was sent that could start the other
        // one.
        boolean resumed = !stopped || attempt(new StringBuilder(), "let the guest go on", guest::cont);
        faults.at(FaultPoint.GUEST_WENT_ON);
        if (prepared && !fenced) {
            attempt(trouble, "end the destination QEMU", () -> link.abort(why));
        }
        faults.at(FaultPoint.ABORT_ANSWERED);
        if (!resumed) { // a disk, for example, that the destination held
            resumed = attempt(trouble, "let the guest go on", guest::cont);
        }
        attempt(trouble, "end the write tracking", () -> guest.memory().stopTracking());
        if (link != null) {
            attempt(trouble, "close the connection", link::close);
        }
        attempt(trouble, "let go of QEMU", guest::close);
        commands.close();
        if (resumed) { // else the next daemon tries again
            attempt(trouble, "remove the journal's entry", () -> journal.remove(entry.id(), Side.SOURCE));
        }
        String where = resumed
                ? "the guest runs on the source"
                : "the guest is paused on the source: look at its QEMU and continue it there";
        record.update(f -> {
            f.error = asked ? "" : why + " (" + where + trouble + ")";
            f.errorReason = asked ? "" : reasonOf(cause);
        });
        record.state(asked && resumed ? MigrationState.CANCELLED : MigrationState.FAILED, where + trouble);
    }

    private static String reasonOf(Throwable cause) {
        if (cause instanceof CannotMoveException e) {
            return e.reasons().get(0).code();
        }
        return cause instanceof FerryException e ? e.reason() : "";
    }

    private boolean attempt(StringBuilder trouble, String what, Runnable step) {
        try {
            step.run();
            return true;
        } catch (RuntimeException | Error e) {
            LOG.warn("migration {}: could not {}", entry.id(), what, e);
            trouble.append("; could not ").append(what).append(": ").append(e.getMessage());
            return false;
        }
    }

    private List<PageRuns> staleRuns() {
        List<PageRuns> all = new ArrayList<>();
        for (RamBlock block : sent.blocks()) {
            if (block.guestRam()) {
                PageRuns runs = new PageRuns(
                        block.index(), PageRuns.MAX_RUNS / sent.blocks().size());
                sent.forEachStale(block, runs::add);
                if (runs.isWidened()) {
                    // The destination will throw away more than it must: all of that is sent again.
                    runs.forEach(block.pageCount(), (first, pages) -> sent.markUnsent(block, first, pages));
                }
                if (!runs.isEmpty()) {
                    all.add(runs);
                }
            }
        }
        return all;
    }

    private List<SmallPages> lastSmallPages() {
        List<SmallPages> all = new ArrayList<>();
        for (RamBlock block : sent.blocks()) {
            if (!block.guestRam()) {
                sent.forEachUnsent(block, (first, pages) -> {
                    int lengthBytes = Math.toIntExact(pages * block.pageSizeBytes());
                    ByteBuffer data = ByteBuffer.allocateDirect(lengthBytes);
                    guest.memory().read(block, first, (int) pages, data, 0);
                    all.add(new SmallPages(block.index(), first, data));
                });
                sent.markSent(block, 0, block.pageCount()); // the push has nothing to do with them
            }
        }
        return all;
    }

    private int largestPageBytes() {
        return sent.blocks().stream().mapToInt(RamBlock::pageSizeBytes).max().orElse(4096);
    }

    private static PostcopyCounts residual(long pages) {
        return new PostcopyCounts(0, pages, 0, 0, 0, 0, 0, MigrationSnapshot.LatencyUs.NONE);
    }

    private void postcopyProgress() {
        faults.at(FaultPoint.BATCH_PUSHED);
        askBeforeRollback();
        long now = clock.nanoTime();
        if (now - lastProgressNs < 100_000_000) {
            return;
        }
        lastProgressNs = now;
        PostcopyCounts counts = link.lastCounts();
        long remaining = sent.unsentBytes();
        record.update(f -> {
            if (counts.residualPages() > 0) {
                f.postcopy = counts;
            }
            f.bytesSent = bytesBefore + link.bytesSent();
            f.memoryRemainingBytes = remaining;
        });
    }

    @Override
    public void roundBegins(int round, long toSendBytes) {
        LOG.info("migration {}: round {}: {} MiB to send", entry.id(), round, toSendBytes >> 20);
        record.update(f -> {
            PrecopyCounts p = f.precopy;
            f.precopy = new PrecopyCounts(round, p.pages(), p.zeroPages(), p.bytes(), p.ns(), "");
            f.memoryRemainingBytes = toSendBytes;
        });
    }

    @Override
    public void sent(long pages, long zeroPages, long bytes) {
        long now = clock.nanoTime();
        if (now - lastProgressNs < 100_000_000) {
            return;
        }
        lastProgressNs = now;
        long remaining = sent.unsentBytes();
        record.update(f -> {
            f.precopy = new PrecopyCounts(
                    f.precopy.rounds(), pages, zeroPages, bytes, now - precopyBeginNs, f.precopy.stopReason());
            f.bytesSent = bytes;
            f.memoryRemainingBytes = remaining;
        });
    }

    @Override
    public void dirtySync(long dirtyBytes, long roundNs) {
        faults.at(FaultPoint.ROUND_ENDED);
        record.update(f -> f.dirtyRate = dirtyBytes * 1e9 / Math.max(1, roundNs));
    }

    @Override
    public void stopped(String rule) {
        long now = clock.nanoTime();
        LOG.info("migration {}: pre-copy ends: {}", entry.id(), rule);
        lastSyncNs = precopy.lastSyncNs();
        record.update(f -> {
            PrecopyCounts p = f.precopy;
            f.precopy = new PrecopyCounts(
                    p.rounds(), p.pages(), p.zeroPages(), bytesBefore + bulk.bytesSent(), now - precopyBeginNs, rule);
            f.bytesSent = bytesBefore + bulk.bytesSent();
            f.forecast = forecaster.forecast(
                    lastSyncNs,
                    sent.unsentBytes() / BASE_PAGE_BYTES,
                    sent.unsentBytes(),
                    f.limits.postcopyBandwidthBytesPerSecond());
        });
    }

    /** Pauses between attempts, doubling. */
    private static final class Backoff {
        private final NanoClock clock;
        private long ns = BACKOFF_FIRST_NS;

        Backoff(NanoClock clock) {
            this.clock = clock;
        }

        void pause() {
            clock.parkNanos(ns);
            ns = Math.min(BACKOFF_MAX_NS, ns * 2);
        }

        void reset() {
            ns = BACKOFF_FIRST_NS;
        }
    }
}
