package dev.ferry.migration;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.MigrationSnapshot.LatencyUs;
import dev.ferry.migration.MigrationSnapshot.PostcopyCounts;
import dev.ferry.postcopy.ArrivalCounters;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.FaultQueue;
import dev.ferry.postcopy.PageRequester;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A guest arrives. The steps are calls of the source, serialised by this object's lock; pages come on the streams' event
 * loops and do not take it. Its own decision is only one: whether COMMITTED or FENCED is written first. After COMMITTED
 * the guest may run here; after FENCED it never does, and the source is told so whenever it asks.
 */
final class DestinationMigration {
    private static final Logger LOG = LoggerFactory.getLogger(DestinationMigration.class);

    private enum Step {
        PREPARED,
        LOADED,
        COMMITTED,
        SETTLED,
        FENCED,
        /** It runs here without the pages that were missing: they are poisoned. */
        POISONED,
        /** Its QEMU ended after the commit. */
        LOST,
        /** The same, and a source was told that it may run its copy. */
        RENOUNCED
    }

    private final Journal.Entry entry;
    private final ArrivingGuest guest;
    private final Journal journal;
    private final MigrationRecord record;
    private final NanoClock clock;
    private final FaultPoints faults;
    private final ArrivalMemory memory;
    /** Changed under the lock; read by event loops, which must not wait for it. */
    private volatile Step step = Step.PREPARED;

    private String fencedBecause = "";
    private volatile boolean fencedWritten;
    private volatile String lostBecause = "";
    private Arrivals.Committed committedAnswer;
    private volatile long resumedNs;
    private volatile long settledNs;
    private volatile long fencedNs;
    private volatile long residualPages;
    private volatile long lastContactNs;
    private final SourceAbsence absence;
    private final DamagedMessages damaged = new DamagedMessages();

    /** Innermost. */
    private final Object loadGate = new Object();

    /** Under the gate. */
    private boolean loading;

    /** By the policy of lost pages. Under the lock; event loops read it. */
    private volatile boolean stopped;

    private final AtomicInteger openStreams = new AtomicInteger();

    /** A stream of an earlier connection may end long after the next one has begun: that says nothing about the source. */
    private volatile Receiver latestBulk;

    private volatile Receiver latestDemand;

    /** Guards which streams are there. Taken when one begins or ends. */
    private final Object streams = new Object();

    /** Open, the latest last. */
    private final List<Receiver> demandStreams = new ArrayList<>();

    /** What a peer did against the protocol; nothing of this migration is trusted from then on. */
    private volatile String violation;

    DestinationMigration(
            Journal.Entry entry,
            ArrivingGuest guest,
            Journal journal,
            MigrationRecord record,
            NanoClock clock,
            FaultPoints faults) {
        this.entry = entry;
        this.guest = guest;
        this.journal = journal;
        this.record = record;
        this.clock = clock;
        this.faults = faults;
        this.memory = guest.memory();
        record.counting(memory);
        record.pages(memory.blocks());
        this.lastContactNs = clock.nanoTime();
        this.absence = new SourceAbsence(clock, entry.lostPages().limitNs());
    }

    MigrationRecord record() {
        return record;
    }

    String guestName() {
        return entry.guest();
    }

    /**
     * Hosts may have a name together, of a service for example: only one that has all names of the source is the source.
     *
     * @param proven by the caller; empty: nobody has to prove anything
     */
    boolean isOf(Collection<String> proven) {
        return proven.isEmpty()
                || entry.identity().isEmpty()
                || proven.containsAll(List.of(entry.identity().split(",")));
    }

    boolean hasEnded() {
        return switch (step) {
            case SETTLED, FENCED, LOST, RENOUNCED -> true;
            case PREPARED, LOADED, COMMITTED, POISONED ->
                false; // of the last one faults are served until its QEMU ends
        };
    }

    /** One that is lost is kept: it is asked about until an operator has seen it. */
    boolean endedBefore(long ns) {
        return (step == Step.SETTLED && settledNs < ns)
                || (step == Step.FENCED && fencedWritten && fencedNs < ns)
                || (step == Step.RENOUNCED && fencedNs < ns);
    }

    /** What a source that asks again for a confirmation is answered from. */
    OptionalLong renouncedEpoch() {
        return step == Step.RENOUNCED ? OptionalLong.of(entry.epoch()) : OptionalLong.empty();
    }

    /** What a late commit is answered from. */
    OptionalLong fencedEpoch() {
        return step == Step.FENCED ? OptionalLong.of(entry.epoch()) : OptionalLong.empty();
    }

    /**
     * Goes on where an earlier daemon died after the commit. What its receivers were writing is valid or is sent again: only
     * valid pages were ever mapped.
     */
    synchronized void recover() {
        step = Step.COMMITTED;
        residualPages = memory.missingPages();
        memory.arm();
        absence.begins("ferryd was restarted");
        if (entry.step() != Journal.Step.COMMITTED) {
            resumedNs = clock.nanoTime();
            committedAnswer = new Arrivals.Committed(false, "", List.of());
        }
        // First what the earlier daemon may not have done any more, so that nobody who is woken goes on in between.
        if (entry.step() == Journal.Step.STOPPED) {
            freeze("ferryd was restarted, and the policy of lost pages had stopped the guest before");
        } else if (entry.step() == Journal.Step.POISONED) {
            poisonMissing("ferryd was restarted, and the policy of lost pages had poisoned them before");
        }
        guest.serveFaults();
    }

    /** An earlier daemon may have died while it settled. What fails here is tried again when the source says Finish. */
    synchronized void settleIfComplete() {
        if (step == Step.COMMITTED && committedAnswer != null && !stopped && memory.isComplete()) {
            finish();
        }
    }

    /** The guest ended after the commit: the source's copy is stale, nobody starts it. */
    synchronized void lost(String why) {
        lostBecause = "guest " + entry.guest() + " is lost: " + why
                + "; it had run here, so the copy that is paused on the source is stale and is not started";
        step = Step.LOST;
        LOG.error("migration {}: {}", entry.id(), lostBecause);
        stopped = false;
        record.update(f -> {
            f.error = lostBecause;
            f.guestStopped = false;
        });
        record.state(MigrationState.FAILED, why);
    }

    void checkEpoch(long epoch) {
        if (epoch != entry.epoch()) {
            throw new FerryException(
                    ErrorCategory.ABORTED,
                    "migration " + entry.id() + " is at epoch " + entry.epoch() + ", not " + epoch + ": refused");
        }
        lastContactNs = clock.nanoTime();
    }

    synchronized Arrivals.Switched switchover(
            long bulkSequence, List<PageRuns> stale, List<SmallPages> small, byte[] deviceState) {
        require(Step.PREPARED, "switchover");
        if (violation != null) {
            throw new FerryException(ErrorCategory.FAILED_PRECONDITION, "the source broke the protocol: " + violation);
        }
        Receiver bulk = latestBulk;
        long placed = bulk == null ? 0 : bulk.lastPlaced;
        if (bulkSequence != placed) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "batch " + bulkSequence + " was sent, " + placed + " is placed: the switch would lose pages");
        }
        record.state(MigrationState.SWITCHOVER, "the guest is paused on the source");
        Stopwatch watch = new Stopwatch(clock);
        for (PageRuns runs : stale) {
            RamBlock block = block(runs.block());
            if (!block.guestRam()) {
                throw new IllegalArgumentException("stale pages of small block " + block.name());
            }
            runs.forEach(block.pageCount(), (first, pages) -> memory.invalidate(block, first, pages));
        }
        small.forEach(this::writeSmall);
        faults.at(FaultPoint.STALE_APPLIED);
        residualPages = memory.missingPages();
        memory.arm();
        guest.serveFaults();
        faults.at(FaultPoint.ARMED);
        watch.cut("apply");
        load(deviceState);
        faults.at(FaultPoint.DEVICE_STATE_LOADED);
        watch.cut("load-device-state");
        step = Step.LOADED;
        return new Arrivals.Switched(watch.phases(), residualPages);
    }

    /** May wait for pages of a source that is gone, with the lock: whoever ends the migration must be able to end this. */
    private void load(byte[] deviceState) {
        synchronized (loadGate) {
            loading = true;
        }
        try {
            guest.loadDeviceState(deviceState);
        } finally {
            synchronized (loadGate) {
                loading = false;
            }
        }
    }

    /**
     * Ends the QEMU that loads its device state, without the migration's lock: the load fails, and nothing was committed, because
     * the commit needs what the load has not reached.
     */
    private void breakOffLoad(String why) {
        synchronized (loadGate) {
            if (loading) {
                LOG.info("migration {}: the device state is not waited for any more: {}", entry.id(), why);
                guest.end();
            }
        }
    }

    synchronized Arrivals.Committed commit() {
        throwIfLost();
        if (committedAnswer != null) {
            return committedAnswer;
        }
        if (step == Step.COMMITTED) {
            // The journal was written, but cont failed, for example on a disk lock: it may work now.
            return resume(new Stopwatch(clock));
        }
        if (step == Step.FENCED) {
            return new Arrivals.Committed(true, fencedBecause, List.of());
        }
        if (step != Step.LOADED) {
            // Asked to commit what was never loaded: the answer has to be final, so it is made so.
            fence("the commit came before the device state");
            return new Arrivals.Committed(true, fencedBecause, List.of());
        }
        if (violation != null) {
            fence("the source broke the protocol: " + violation);
            return new Arrivals.Committed(true, fencedBecause, List.of());
        }
        if (!guest.isAlive()) {
            fence("the destination QEMU ended before the commit");
            return new Arrivals.Committed(true, fencedBecause, List.of());
        }
        Stopwatch watch = new Stopwatch(clock);
        journal.write(entry.at(Journal.Step.COMMITTED));
        step = Step.COMMITTED;
        faults.at(FaultPoint.COMMITTED_JOURNALLED);
        watch.cut("commit-journal");
        return resume(watch);
    }

    private Arrivals.Committed resume(Stopwatch watch) {
        record.update(f -> {
            f.runsOn = Side.DESTINATION; // it may from the next line on, whatever the answer
            f.postcopy = new PostcopyCounts(0, residualPages, 0, 0, 0, 0, 0, LatencyUs.NONE);
        });
        guest.cont();
        faults.at(FaultPoint.GUEST_RESUMED);
        resumedNs = clock.nanoTime();
        watch.cut("resume");
        // A daemon that comes after us must not resume a guest that its operator has paused since.
        journal.write(entry.at(Journal.Step.RESUMED));
        faults.at(FaultPoint.RESUMED_JOURNALLED);
        committedAnswer = new Arrivals.Committed(false, "", watch.phases());
        record.state(MigrationState.POSTCOPY, "the guest runs here; pages still arrive");
        return committedAnswer;
    }

    private boolean isLoading() {
        synchronized (loadGate) {
            return loading;
        }
    }

    /** Before the commit; harmless twice. */
    void abort(String reason) {
        breakOffLoad(reason);
        abortStep(reason);
    }

    private synchronized void abortStep(String reason) {
        if (step != Step.PREPARED && step != Step.LOADED && step != Step.FENCED) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "migration " + entry.id() + " is committed: the guest runs on the destination");
        }
        if (step != Step.FENCED) {
            fence(reason);
        }
    }

    /** Aborts if the source has been silent for so long before the commit; notices that the guest ended after it. */
    void look(long silenceNs) {
        boolean silent = openStreams.get() == 0 && clock.nanoTime() - lastContactNs > silenceNs;
        if (silent) {
            breakOffLoad("the source went away before the commit");
        } else if (isLoading()) {
            return; // others are to be looked after too
        }
        lookStep(silenceNs);
    }

    private synchronized void lookStep(long silenceNs) {
        if ((step == Step.COMMITTED || step == Step.POISONED) && !guest.isAlive()) {
            lost("its QEMU has ended before every page was here");
            return;
        }
        if (step == Step.FENCED && !fencedWritten) {
            writeFenced();
        }
        if (step == Step.POISONED) {
            memory.poison(); // what could not be poisoned, or was being written, when it was tried first
        }
        if (step == Step.COMMITTED && committedAnswer != null && !stopped && !memory.isComplete()) {
            String why = absence.tooLong();
            if (why != null) {
                giveUp(why);
            }
        }
        if (step == Step.LOADED || step == Step.COMMITTED || step == Step.POISONED) {
            Throwable why = memory.retry();
            if (why != null) {
                LOG.error("migration {}: pages could not be mapped, the guest waits; tried again", entry.id(), why);
            }
        }
        if (violation != null && (step == Step.PREPARED || step == Step.LOADED)) {
            fence("the source broke the protocol: " + violation);
            return;
        }
        if ((step == Step.PREPARED || step == Step.LOADED)
                && ((openStreams.get() == 0 && clock.nanoTime() - lastContactNs > silenceNs) || !guest.isAlive())) {
            fence(guest.isAlive() ? "the source went away before the commit" : "the destination QEMU ended");
        }
    }

    /** Pages can no longer be had. */
    private void giveUp(String why) {
        switch (entry.lostPages().action()) {
            case WAIT -> {}
            case STOP -> {
                // Written first: a daemon that dies in between leaves the next one to do it.
                journal.write(entry.at(Journal.Step.STOPPED));
                faults.at(FaultPoint.STOPPED_JOURNALLED);
                freeze(why);
            }
            case POISON -> {
                journal.write(entry.at(Journal.Step.POISONED));
                faults.at(FaultPoint.POISONED_JOURNALLED);
                poisonMissing(why);
            }
        }
    }

    private void freeze(String why) {
        stopped = true;
        guest.freeze();
        faults.at(FaultPoint.GUEST_FROZEN);
        record.state(MigrationState.RECOVERING, stoppedBecause(why));
        record.update(f -> f.guestStopped = true);
        LOG.error("migration {}: {}", entry.id(), stoppedBecause(why));
    }

    private String stoppedBecause(String why) {
        return "guest " + entry.guest() + " was stopped, as its policy says, with "
                + memory.missingPages() + " pages missing: " + why + "; ferry resume " + entry.id()
                + " lets it go on";
    }

    private void poisonMissing(String why) {
        memory.poison();
        long pages = memory.poisonedPages();
        if (pages == 0 && memory.isComplete()) {
            return; // the last ones came just then: nothing is lost, and the journal's word does no harm to anything
        }
        step = Step.POISONED;
        faults.at(FaultPoint.PAGES_POISONED);
        String what = pages + " pages of guest " + entry.guest() + " are poisoned for good, as its policy says: " + why
                + "; it runs on here without them";
        LOG.error("migration {}: {}", entry.id(), what);
        record.update(f -> f.error = what);
        record.state(MigrationState.FAILED, what);
        record.update(f -> f.poisonedPages = pages);
    }

    /** The operator's word after a stop. Harmless when it runs. */
    synchronized void resumeStopped() {
        throwIfLost();
        if (step != Step.COMMITTED || committedAnswer == null) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "migration " + entry.id() + " is " + step + ": there is nothing to resume");
        }
        if (!stopped) {
            return;
        }
        absence.forgive();
        guest.thaw();
        faults.at(FaultPoint.GUEST_THAWED);
        stopped = false;
        try {
            // Written afterwards: should we die before, the next daemon stops it again, and it can be resumed again.
            journal.write(entry.at(Journal.Step.RESUMED));
        } catch (RuntimeException e) {
            LOG.warn("migration {}: the guest goes on, but a ferryd that is restarted stops it again", entry.id(), e);
        }
        record.update(f -> f.guestStopped = false);
        record.state(
                openStreams.get() > 0 ? MigrationState.POSTCOPY : MigrationState.RECOVERING,
                "an operator has let the guest go on" + (openStreams.get() > 0 ? "" : "; the source is still away"));
    }

    /** The source says that pages are gone for good. */
    synchronized void pagesLost(String why) {
        if (absence.isForGood(why)) { // it says so again and again
            LOG.error("migration {}: the source says that pages are gone for good: {}", entry.id(), why);
        }
    }

    /**
     * The source's copy is to run. Returns when nothing of this guest is left here that could, and that is written: no commit
     * and no later daemon makes it run.
     */
    synchronized void renounce() {
        if (step == Step.FENCED || step == Step.RENOUNCED) {
            return;
        }
        if ((step == Step.COMMITTED || step == Step.POISONED) && !guest.isAlive()) {
            lost("its QEMU has ended before every page was here");
        }
        if (step != Step.LOST) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    step == Step.PREPARED || step == Step.LOADED
                            ? "migration " + entry.id() + " was never committed here: it is undone by itself"
                            : "guest " + entry.guest() + " lives at the destination: end its QEMU there first, if it is"
                                    + " to be given up");
        }
        guest.end();
        faults.at(FaultPoint.LOST_QEMU_ENDED);
        journal.write(entry.at(Journal.Step.RENOUNCED));
        faults.at(FaultPoint.RENOUNCED_JOURNALLED);
        step = Step.RENOUNCED;
        fencedNs = clock.nanoTime();
        record.update(f -> {
            f.runsOn = Side.SOURCE;
            f.error = lostBecause + "; an operator has ordered the source to run its copy all the same";
        });
        record.state(MigrationState.FAILED, "an operator has rolled it back: the source's copy may run");
        try {
            guest.remove();
        } catch (RuntimeException e) {
            LOG.warn("migration {}: what is left of guest {} stays", entry.id(), entry.guest(), e);
        }
    }

    private void throwIfPoisoned() {
        if (step == Step.POISONED) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    memory.poisonedPages() + " pages of guest " + entry.guest()
                            + " were given up and poisoned at the destination: it takes no more pages");
        }
    }

    synchronized List<PageRuns> missing() {
        throwIfLost();
        throwIfPoisoned();
        if (step == Step.COMMITTED && committedAnswer == null) {
            resume(new Stopwatch(clock));
        }
        List<PageRuns> all = new ArrayList<>();
        for (RamBlock block : memory.blocks()) {
            // Too much may be named: what is here already is not written again when it comes once more.
            PageRuns runs = new PageRuns(
                    block.index(), PageRuns.MAX_RUNS / memory.blocks().size());
            memory.forEachMissing(block, runs::add);
            if (!runs.isEmpty()) {
                all.add(runs);
            }
        }
        return all;
    }

    synchronized PostcopyCounts finish() {
        if (step == Step.SETTLED) {
            return counts();
        }
        throwIfLost();
        throwIfPoisoned();
        require(Step.COMMITTED, "finish");
        if (stopped) {
            refresh(); // no acknowledgement follows the last batch to do it
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    "guest " + entry.guest() + " was stopped at the destination by its policy: ferry resume "
                            + entry.id() + " there lets it go on");
        }
        if (!memory.isComplete()) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    memory.missingPages() + " pages of " + entry.guest() + " are still missing");
        }
        faults.at(FaultPoint.EVERY_PAGE_VALID);
        guest.settle();
        faults.at(FaultPoint.USERFAULTFD_CLOSED);
        settledNs = clock.nanoTime();
        journal.write(entry.at(Journal.Step.SETTLED));
        faults.at(FaultPoint.SETTLED_JOURNALLED);
        step = Step.SETTLED;
        guest.forget();
        PostcopyCounts counts = counts();
        record.update(f -> {
            f.postcopy = counts;
            f.memoryRemainingBytes = 0;
        });
        record.state(MigrationState.COMPLETED, "every page is here");
        return counts;
    }

    PostcopyCounts counts() {
        ArrivalCounters c = memory.counters();
        double[] q = memory.latency().quantilesUs();
        long from = resumedNs;
        long to = settledNs == 0 ? clock.nanoTime() : settledNs;
        return new PostcopyCounts(
                from == 0 ? 0 : to - from,
                residualPages,
                c.remoteFaults.sum(),
                c.localFaults.sum(),
                c.pushedPages.sum(),
                c.zeroFaults.sum(),
                c.demandPages.sum(),
                new LatencyUs(q[0], q[1], q[2], q[3], q[4], memory.latency().count()));
    }

    void refresh() {
        PostcopyCounts counts = counts();
        long remaining = memory.missingBytes();
        record.update(f -> {
            if (!f.state.hasEnded()) {
                f.postcopy = counts;
                f.memoryRemainingBytes = remaining;
            }
        });
    }

    Arrivals.PageReceiver openBulk() {
        throwIfClosed();
        synchronized (streams) {
            Receiver before = latestBulk;
            if (before != null && !memory.isArmed()) {
                // Whoever comes last writes: an older version that is still under way must not come last.
                before.supersede();
            }
            if (step == Step.PREPARED) {
                if (before != null) {
                    record.update(f -> f.recoveries++);
                }
                record.state(
                        MigrationState.PRECOPY,
                        (before == null ? "" : "the source is back: ")
                                + "memory arrives while the guest runs on the source");
            }
            latestBulk = new Receiver(null);
            return latestBulk;
        }
    }

    Arrivals.PageReceiver openDemand(PageRequester requester) {
        throwIfClosed();
        absence.ends();
        if (step == Step.COMMITTED) {
            record.state(
                    stopped ? MigrationState.RECOVERING : MigrationState.POSTCOPY,
                    stopped ? stoppedBecause("the source is back") : "the source is back");
        }
        PageRequester asking = (block, firstPage, pages) -> {
            requester.request(block, firstPage, pages);
            faults.at(FaultPoint.FAULT_ASKED);
        };
        Receiver opened = new Receiver(asking);
        synchronized (streams) {
            latestDemand = opened;
            demandStreams.add(opened);
        }
        askTheLatest();
        return opened;
    }

    /** Not under the lock: it sends. Whoever has changed what is the latest calls this, and the last one of them is right. */
    private void askTheLatest() {
        Receiver latest;
        do {
            latest = latestDemand;
            memory.connect(latest.asking);
        } while (latest != latestDemand);
    }

    private void throwIfClosed() {
        throwIfPoisoned();
        if (hasEnded()) {
            throw ended();
        }
        if (damaged.isTooMuch() && step == Step.COMMITTED) {
            absence.begins("its pages come damaged");
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    DamagedMessages.IN_A_ROW + " messages in a row came damaged: nothing is taken from this source any"
                            + " more. Look for the host or the link that breaks bytes; a restart of the destination's ferryd"
                            + " tries again");
        }
    }

    /** Not under the lock: a step that holds it may wait for the very event loop that says this. The sweep ends the guest. */
    void refused(String why) {
        violation = why;
        record.update(f -> f.refusedMessages++);
    }

    private void throwIfLost() {
        if (step == Step.LOST || step == Step.RENOUNCED) {
            throw new FerryException(ErrorCategory.FAILED_PRECONDITION, lostBecause);
        }
    }

    private FerryException ended() {
        return new FerryException(ErrorCategory.FAILED_PRECONDITION, "migration " + entry.id() + " has ended: " + step);
    }

    private void fence(String reason) {
        // Ended first, recorded second: FENCED promises that nothing can run any more.
        guest.fence(reason);
        faults.at(FaultPoint.DESTINATION_QEMU_ENDED);
        fencedNs = clock.nanoTime();
        step = Step.FENCED;
        fencedBecause = reason;
        LOG.info("migration {}: destination QEMU of {} ended: {}", entry.id(), entry.guest(), reason);
        record.update(f -> f.error = reason + " (the guest runs on the source)");
        record.state(MigrationState.FAILED, reason);
        writeFenced();
    }

    private void writeFenced() {
        try {
            journal.write(entry.at(Journal.Step.FENCED));
            fencedWritten = true;
            faults.at(FaultPoint.FENCED_JOURNALLED);
        } catch (RuntimeException e) {
            // PREPARING, which it still says, never lets a guest run either: the next daemon ends what has ended.
            LOG.warn("migration {}: the journal does not say yet that it was ended", entry.id(), e);
        }
    }

    private void require(Step needed, String what) {
        if (step != needed) {
            throw new FerryException(
                    ErrorCategory.FAILED_PRECONDITION,
                    what + " of migration " + entry.id() + " needs it " + needed + ", it is " + step);
        }
    }

    private RamBlock block(int index) {
        if (index < 0 || index >= guest.blocks().size()) {
            throw new IllegalArgumentException("no RAM block " + index);
        }
        return guest.blocks().get(index);
    }

    private void writeSmall(SmallPages small) {
        RamBlock block = block(small.block());
        int length = small.data().remaining();
        int pages = length / block.pageSizeBytes();
        if (block.guestRam() || length % block.pageSizeBytes() != 0 || !block.contains(small.firstPage(), pages)) {
            throw new IllegalArgumentException(
                    "small pages " + small.firstPage() + ", " + length + " bytes of RAM block " + block.name());
        }
        ByteBuffer direct = ByteBuffer.allocateDirect(length);
        direct.put(0, small.data(), small.data().position(), length);
        guest.writeSmall(block, small.firstPage(), pages, direct, 0);
    }

    private void streamClosed(Receiver stream, Throwable error) {
        openStreams.decrementAndGet();
        lastContactNs = clock.nanoTime();
        boolean latest = stream == latestBulk || stream == latestDemand;
        if (stream.isDemand() && fallBack(stream)) {
            return;
        }
        if (stream == latestDemand) {
            absence.begins(error == null ? "it closed the stream" : error.getMessage());
        }
        if (error != null && latest && step == Step.PREPARED) {
            record.stateIf(MigrationState.PRECOPY, MigrationState.PRECOPY, "the source is away: " + error.getMessage());
        }
        if (error != null
                && latest
                && step == Step.COMMITTED
                && !stopped
                && record.state() == MigrationState.POSTCOPY) {
            record.update(f -> f.recoveries++);
            record.stateIf(
                    MigrationState.POSTCOPY, MigrationState.RECOVERING, "the source is away: " + error.getMessage());
        }
    }

    /**
     * After a cut the first words of a stream that the source has given up may arrive late, when the next one has begun; it looks
     * like the latest then, until it ends a moment later.
     *
     * @return whether an earlier stream that is still open has taken its place
     */
    private boolean fallBack(Receiver closed) {
        synchronized (streams) {
            demandStreams.remove(closed);
            if (closed != latestDemand || demandStreams.isEmpty()) {
                return false;
            }
            latestDemand = demandStreams.get(demandStreams.size() - 1);
        }
        askTheLatest();
        return true;
    }

    /** One stream of pages, on its event loop. */
    private final class Receiver implements Arrivals.PageReceiver {
        /** Null: bulk. */
        private final PageRequester asking;

        private final boolean demand;
        private volatile long lastPlaced;

        /** Guarded by this. A bulk stream takes this lock for each run of pages, which nobody else wants; a demand stream never. */
        private boolean superseded;

        Receiver(PageRequester asking) {
            this.asking = asking;
            this.demand = asking != null;
            openStreams.incrementAndGet();
        }

        boolean isDemand() {
            return demand;
        }

        /** Returns when nothing of this stream is being placed, and nothing will be. */
        synchronized void supersede() {
            superseded = true;
        }

        private void throwIfSuperseded() {
            if (superseded) {
                // Not the fault of whoever sends: he is away, or will try again.
                throw new FerryException(
                        ErrorCategory.UNAVAILABLE, "a newer stream of migration " + entry.id() + " has begun");
            }
        }

        @Override
        public RamBlock block(int index) {
            throwIfLost(); // so that the source hears of it at once
            RamBlock block = DestinationMigration.this.block(index);
            if (!block.guestRam() && (demand || memory.isArmed())) {
                throw new IllegalArgumentException("small block " + block.name() + " after the switch");
            }
            return block;
        }

        @Override
        public void pages(RamBlock block, long firstPage, int count, ByteBuffer data, int index) {
            if (demand) {
                memory.arrived(block, firstPage, count, data, index, true);
                faults.at(FaultPoint.DEMAND_PAGE_PLACED);
                return;
            }
            synchronized (this) {
                throwIfSuperseded();
                if (block.guestRam()) {
                    memory.arrived(block, firstPage, count, data, index, false);
                } else {
                    guest.writeSmall(block, firstPage, count, data, index);
                }
            }
        }

        @Override
        public void zeroPages(RamBlock block, long firstPage, long count) {
            if (demand) {
                memory.arrivedZero(block, firstPage, count, true);
                return;
            }
            synchronized (this) {
                throwIfSuperseded();
                if (block.guestRam()) {
                    memory.arrivedZero(block, firstPage, count, false);
                } else {
                    guest.zeroSmall(block, firstPage, count);
                }
            }
        }

        @Override
        public boolean expects(RamBlock block, long firstPage, long count) {
            return !demand || memory.wasRequested(block, firstPage, count);
        }

        @Override
        public boolean damaged(RamBlock block) {
            record.update(f -> f.damagedMessages++);
            return block.guestRam() && !damaged.oneMore(demand);
        }

        @Override
        public void refetch(RamBlock block, long firstPage, long count) {
            memory.damaged(block, firstPage, count);
        }

        @Override
        public void intact() {
            damaged.intact(demand);
        }

        @Override
        public void refused(String why) {
            DestinationMigration.this.refused(why);
        }

        @Override
        public FaultQueue faults() {
            return demand ? guest.faults() : FaultQueue.NONE;
        }

        @Override
        public void placed(long sequence) {
            lastPlaced = sequence;
        }

        @Override
        public void closed(Throwable errorOrNull) {
            streamClosed(this, errorOrNull);
        }
    }
}
