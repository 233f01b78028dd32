package dev.ferry.daemon;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.CannotMoveException;
import dev.ferry.migration.FaultPoint;
import dev.ferry.migration.Journal;
import dev.ferry.migration.LostPagePolicy;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.Policy;
import dev.ferry.migration.Side;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/**
 * Two hosts, one guest, and everything that can go wrong between them, on one thread and by one seed: the same seed is the same schedule. The
 * real state machines run over simulated ports; whenever one touches a port, the world goes on: the guest runs, pages and questions
 * arrive or do not, daemons are killed and started, the link is cut. Time is a number.
 *
 * <p>What is watched all the time: never two running; never an old copy resumed; never a page that reads otherwise than as the guest
 * last wrote it; never a write under a mapped page; runsOn. And at the end, with everything mended: one guest, whole, nobody waiting,
 * nothing left behind.
 */
final class SimWorld {
    /** Planted on purpose, to see that the simulation finds them. */
    enum Bug {
        NONE,
        HANDED_OVER_IS_NOT_WRITTEN,
        STALE_PAGES_ARE_NOT_TOLD,
        A_LOST_ANSWER_IS_TAKEN_FOR_FENCED,
        A_RESTART_FORGETS_WHAT_IS_VALID,
        A_FENCED_QEMU_LIVES_ON
    }

    /** Something that must never happen has happened. */
    static final class Violation extends AssertionError {
        private static final long serialVersionUID = 1L;

        Violation(String message) {
            super(message);
        }
    }

    private static final int MOST_STEPS = 60_000;
    private static final long SECOND_NS = 1_000_000_000L;
    private static final int TRACED = 200;

    private record Task(SimDaemon daemon, Runnable work) {}

    private record Late(SimDaemon daemon, Supplier<?> work) {}

    final Bug bug;
    private final long seed;
    private final SplittableRandom random;
    private final SimHost a = new SimHost("a");
    private final SimHost b = new SimHost("b");
    private final ByteBuffer buffer;
    private final int[][] expected = new int[SimQemu.BLOCKS.size()][];
    private final Deque<Task> tasks = new ArrayDeque<>();
    private final List<Late> late = new ArrayList<>();
    private final List<SimLink> links = new ArrayList<>();
    private final List<SimLink.Stream> streams = new ArrayList<>();
    private final Deque<String> trace = new ArrayDeque<>();
    private long nowNs = SECOND_NS;
    private long steps;
    private int version;
    private long ids;

    /** How many faults may still strike. */
    private int faults;

    private int struck;

    private final Set<FaultPoint> killedAt = EnumSet.noneOf(FaultPoint.class);

    /** The smaller, the closer they follow each other. */
    private int calm;

    private boolean mayEndQemus;
    private boolean qemuEnded;
    private boolean poisoned;
    private boolean rollbackOrdered;
    private boolean rareStruck;

    /** Without its QEMU a migration may wait for ever: then the schedule ends here. */
    private long lastStep = Long.MAX_VALUE;

    private long cutUntilNs;
    private long noticedNs = Long.MAX_VALUE;
    private SimHost journalFull;
    private boolean journalsFailed;

    /** In somebody's hands: a call's frames are on the stack, and its locks are held. */
    private int inCall;

    private boolean inStep;
    private boolean over;
    private Violation violation;

    /** The one that ran last: the only one that may run. */
    private SimQemu current;

    private SimQemu gone;

    /** @param buffer direct, for 256 KiB of pages at least; used by one world at a time */
    SimWorld(long seed, Bug bug, ByteBuffer buffer) {
        this.seed = seed;
        this.bug = bug;
        this.buffer = buffer;
        this.random = new SplittableRandom(seed);
        for (RamBlock block : SimQemu.BLOCKS) {
            expected[block.index()] = new int[(int) block.pageCount()];
        }
    }

    // ---- what the ports use

    SimHost host(String name) {
        return name.equals("a") ? a : b;
    }

    long nowNs() {
        return nowNs;
    }

    void advance(long ns) {
        nowNs += ns;
    }

    long newId() {
        return ++ids;
    }

    ByteBuffer buffer() {
        return buffer;
    }

    boolean isOver() {
        return over || violation != null;
    }

    int pick(int bound) {
        return random.nextInt(bound);
    }

    boolean flip() {
        return random.nextBoolean();
    }

    private boolean strikes(int oneIn) {
        if (faults > 0 && random.nextInt(oneIn) == 0) {
            faults--;
            struck++;
            return true;
        }
        return false;
    }

    boolean loses() {
        return strikes(60);
    }

    boolean repeats() {
        return strikes(60);
    }

    boolean journalFails(SimHost host) {
        if (journalFull == host) {
            journalFull = null;
            journalsFailed = true;
            return true;
        }
        return false;
    }

    boolean damages() {
        return strikes(300);
    }

    void memoryMayBeShort() {
        if (strikes(2000)) {
            throw new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "no memory for page tables");
        }
    }

    boolean isCut() {
        return nowNs < cutUntilNs;
    }

    /** The other end of a broken stream notices in time, and at once when nothing strikes any more. */
    boolean mayClose() {
        return faults == 0 || random.nextInt(20) == 0;
    }

    /** Few schedules come there at all: more of these are killed there, however many faults have struck before. */
    void strikeIfRare(SimDaemon daemon, FaultPoint point) {
        switch (point) {
            case LOSS_CONFIRMED,
                    ROLLBACK_JOURNALLED,
                    STOPPED_JOURNALLED,
                    GUEST_FROZEN,
                    GUEST_THAWED,
                    POISONED_JOURNALLED,
                    PAGES_POISONED,
                    LOST_QEMU_ENDED,
                    RENOUNCED_JOURNALLED -> {
                if (daemon.isAlive() && !rareStruck && random.nextInt(3) == 0) {
                    rareStruck = true;
                    kill(daemon);
                }
            }
            default -> {}
        }
    }

    void killedAt(FaultPoint point) {
        killedAt.add(point);
    }

    void addTask(SimDaemon daemon, Runnable work) {
        tasks.add(new Task(daemon, work));
    }

    void addLink(SimLink link) {
        links.add(link);
    }

    void addStream(SimLink.Stream stream) {
        streams.add(stream);
    }

    void later(SimDaemon target, Supplier<?> work) {
        late.add(new Late(target, work));
    }

    /** A peer never sends what another peer refuses. */
    void refused(RuntimeException e) {
        violation("a frame was refused: " + e);
    }

    <T> T remote(SimDaemon target, String what, Supplier<T> work) {
        inCall++;
        try {
            return work.get();
        } catch (SimDaemon.Crash e) {
            throw SimLink.away("the destination died in " + what);
        } catch (FerryException e) {
            trace(target.host, what + " answers " + e.category() + ": " + e.getMessage());
            throw e instanceof CannotMoveException ? e : new FerryException(e.category(), what + ": " + e.getMessage());
        } catch (RuntimeException e) {
            trace(target.host, what + " answers " + e);
            throw new FerryException(
                    e instanceof IllegalArgumentException ? ErrorCategory.INVALID_ARGUMENT : ErrorCategory.INTERNAL,
                    what + ": " + e);
        } finally {
            inCall--;
        }
    }

    // ---- the guest

    void resume(SimQemu qemu) {
        if (qemu.running) {
            return;
        }
        trace(qemu.host, "the guest runs");
        for (SimHost host : List.of(a, b)) {
            for (SimQemu other : host.processes) {
                if (other != qemu && other.running) {
                    violation("two run: on " + qemu.host + " and on " + other.host);
                }
            }
        }
        if (qemu != current) {
            if (qemu == gone) {
                rolledBack(qemu);
            } else {
                handedOver(qemu);
                gone = current;
            }
            current = qemu;
        }
        qemu.running = true;
        checkRunsOn();
    }

    /** Only on an operator's order, and when the other one can never run again. */
    private void rolledBack(SimQemu qemu) {
        if (!rollbackOrdered) {
            violation("an old copy is resumed");
        }
        if (current.alive) {
            violation("an old copy is resumed while the other QEMU lives");
        }
        gone = null;
        for (RamBlock block : SimQemu.BLOCKS) {
            System.arraycopy(
                    qemu.content[block.index()], 0, expected[block.index()], 0, expected[block.index()].length);
        }
    }

    /** Of a guest that is lost: whatever is left of its QEMU. */
    void endLost(SimQemu qemu) {
        if (qemu.alive) {
            violation("the QEMU of a guest that is lost lives");
        }
    }

    void poison(SimQemu qemu, RamBlock block, int first, int pages) {
        for (int p = first; p < first + pages; p++) {
            if (qemu.mapped[block.index()].get(p)) {
                violation("a page of the guest is poisoned: " + p + " of " + block.name());
            }
        }
        poisoned = true;
        lastStep = Math.min(lastStep, steps + 4_000);
        qemu.poisoned[block.index()].set(first, first + pages);
        qemu.wake(block, first, pages);
    }

    /** The first moment of a guest at another host: what is there must be what the guest has last written. */
    private void handedOver(SimQemu qemu) {
        if (!qemu.loaded) {
            violation("resumed without its device state");
        }
        for (RamBlock block : SimQemu.BLOCKS) {
            for (int p = 0; p < block.pageCount(); p++) {
                boolean there = !block.guestRam() || qemu.valid[block.index()].get(p);
                if (there && qemu.content[block.index()][p] != expected[block.index()][p]) {
                    violation(block.name() + " page " + p + " is valid with version " + qemu.content[block.index()][p]
                            + ", the guest wrote " + expected[block.index()][p]);
                }
            }
        }
    }

    void endArrival(SimQemu qemu) {
        if (qemu == current) {
            violation("the guest's own QEMU is ended");
        }
        if (bug != Bug.A_FENCED_QEMU_LIVES_ON) {
            qemu.end();
        }
    }

    void depart(SimQemu qemu) {
        if (qemu == current) {
            violation("the guest's own QEMU departs");
        }
        qemu.end();
    }

    void settle(SimQemu qemu) {
        for (int i = 0; i < SimQemu.RAM_BLOCKS; i++) {
            if (qemu.valid[i].nextClear(0) >= 0) {
                violation("the userfaultfd is taken off while pages are missing");
            }
        }
        qemu.uffd = false;
        for (RamBlock block : SimQemu.BLOCKS) {
            qemu.wake(block, 0, (int) block.pageCount());
        }
    }

    /** Content comes into the RAM file. */
    void place(SimQemu qemu, RamBlock block, int page, int content) {
        if (content == -1) {
            violation("a torn page");
        }
        if (qemu.mapped[block.index()].get(page) || !qemu.uffd) {
            violation(block.name() + " page " + page + " is written under the guest");
        }
        qemu.write(block, page, content);
    }

    /** A thread of QEMU touches a page; false: it sleeps. */
    boolean touch(SimQemu qemu, SimQemu.Access access) {
        if (access.asleep) {
            return false;
        }
        if (qemu.traps(access.block, access.page)) {
            access.asleep = true;
            qemu.events.add(access);
            return false;
        }
        int b = access.block.index();
        if (qemu.poisoned[b].get(access.page)) {
            return true; // a memory error, for the guest to deal with
        }
        int found = qemu.content[b][access.page];
        if (qemu == current && found != expected[b][access.page]) {
            violation(access.block.name() + " page " + access.page + " reads as version " + found + " on " + qemu.host
                    + ", the guest wrote " + expected[b][access.page]);
        }
        if (access.write) {
            int next = random.nextInt(8) == 0 ? 0 : ++version;
            expected[b][access.page] = next;
            qemu.write(access.block, access.page, next);
        }
        return true;
    }

    private void runGuest() {
        if (current == null || !current.running || current.frozen) {
            return;
        }
        int cpu = random.nextInt(current.vcpus.length);
        if (current.vcpus[cpu] == null) {
            RamBlock block = SimQemu.BLOCKS.get(random.nextInt(SimQemu.BLOCKS.size()));
            // Half of it is never touched by a write, and is a hole at first.
            boolean write = random.nextInt(3) == 0;
            int page = random.nextInt((int) block.pageCount() / (write ? 2 : 1));
            current.vcpus[cpu] = new SimQemu.Access(block, page, write);
        }
        if (touch(current, current.vcpus[cpu])) {
            current.vcpus[cpu] = null;
        }
    }

    /** Somebody reads a fault. */
    private boolean serveFault() {
        for (SimHost host : List.of(a, b)) {
            for (SimQemu qemu : host.processes) {
                if (!qemu.events.isEmpty() && qemu.server != null && qemu.server.isAlive()) {
                    SimQemu.Access access = qemu.events.removeFirst();
                    qemu.serving.fault(access.block, access.page);
                    return true;
                }
            }
        }
        return false;
    }

    private void mapAhead() {
        if (current != null && current.uffd && current.running && current.server != null && current.server.isAlive()) {
            RamBlock block = SimQemu.BLOCKS.get(random.nextInt(SimQemu.RAM_BLOCKS));
            int first = random.nextInt((int) block.pageCount());
            current.serving.mapAhead(block, first, 1 + random.nextInt((int) block.pageCount() - first));
        }
    }

    // ---- time

    /** The world goes on while somebody touches it. */
    void meanwhile(SimDaemon toucher) {
        if (inStep) {
            if (faults > 0 && strikes(800)) {
                kill(toucher);
            }
            return;
        }
        for (int n = random.nextInt(3); n >= 0; n--) {
            step();
        }
    }

    private void step() {
        if (++steps > MOST_STEPS) {
            violation("it does not end");
        }
        if (steps > lastStep) {
            over = true;
        }
        if (isOver()) {
            return;
        }
        nowNs += 1_000 + random.nextInt(50_000);
        inStep = true;
        try {
            timers();
            int what = random.nextInt(100);
            if (what < 30) {
                runGuest();
            } else if (what < 55) {
                serveFault();
            } else if (what < 90) {
                deliver();
            } else if (what < 93) {
                mapAhead();
            } else if (what < 96) {
                lateCall();
            } else if (what < 98) {
                checkRunsOn();
                operate();
            } else if (strikes(calm)) {
                strike();
            }
        } catch (SimDaemon.Crash e) {
            // Whose code it was does not run any more.
        } catch (RuntimeException e) {
            trace(a, "on an event loop: " + e);
        } finally {
            inStep = false;
        }
    }

    private void deliver() {
        for (int n = streams.size(); n > 0; n--) {
            SimLink.Stream stream = streams.get(random.nextInt(streams.size()));
            boolean did = stream.goOn();
            if (stream.isClosed()) {
                streams.remove(stream);
                return;
            }
            if (did) {
                return;
            }
        }
    }

    private void lateCall() {
        if (late.isEmpty() || inCall > 0) {
            return;
        }
        Late call = late.remove(random.nextInt(late.size()));
        if (call.daemon().isListening()) {
            inStep = false; // as any call
            try {
                trace(call.daemon().host, "a question comes late");
                remote(call.daemon(), "a late question", call.work());
            } catch (FerryException e) {
                // Nobody hears the answer.
            }
        }
    }

    private void timers() {
        if (noticedNs < nowNs) {
            noticedNs = Long.MAX_VALUE;
            if (isCut()) {
                links.forEach(SimLink::breakOff);
            }
        }
        if (inCall > 0) {
            return;
        }
        for (SimHost host : List.of(a, b)) {
            if (host.restartNs < nowNs) {
                host.restartNs = Long.MAX_VALUE;
                start(host);
            } else if (host.daemon != null && host.daemon.nextSweepNs < nowNs) {
                host.daemon.nextSweepNs = nowNs + 2 * SECOND_NS;
                inCall++; // what it holds, nobody else has
                inStep = false;
                try {
                    host.daemon.sweep();
                } finally {
                    inCall--;
                    inStep = true;
                }
            }
        }
    }

    private void start(SimHost host) {
        trace(
                host,
                "a daemon starts, journal "
                        + host.journal.values().stream()
                                .map(e -> e.id() + " " + e.side() + " " + e.step())
                                .toList());
        inCall++;
        boolean nested = inStep;
        inStep = false;
        try {
            new SimDaemon(this, host);
        } catch (SimDaemon.Crash e) {
            trace(host, "killed while it starts");
        } finally {
            inCall--;
            inStep = nested;
        }
    }

    private void kill(SimDaemon daemon) {
        if (!daemon.isAlive()) {
            return;
        }
        trace(daemon.host, "the daemon is killed");
        daemon.kill();
        daemon.host.restartNs = nowNs + random.nextInt(2_000) * 1_000_000L;
        for (SimLink link : links) {
            if (link.source == daemon || link.isFor(daemon)) {
                link.breakOff();
            }
        }
        late.removeIf(l -> l.daemon() == daemon);
    }

    private void strike() {
        switch (random.nextInt(mayEndQemus ? 10 : 8)) {
            case 0 -> killAt(a);
            case 1 -> killAt(b);
            case 2 -> {
                killAt(a);
                killAt(b);
            }
            case 3 -> {
                long ns = (random.nextBoolean() ? 200 : 5_000) * 1_000_000L + random.nextInt(1_000_000_000);
                trace(a, "the link is cut for " + ns / 1_000_000 + " ms");
                cutUntilNs = nowNs + ns;
                noticedNs = nowNs + random.nextInt(2_000) * 1_000_000L;
            }
            case 4 -> {
                trace(a, "the connections break");
                links.forEach(SimLink::breakOff);
            }
            case 5 -> journalFull = random.nextBoolean() ? a : b;
            case 6 -> ask(true);
            case 7 -> ask(false);
            default -> endAQemu();
        }
    }

    private void killAt(SimHost host) {
        if (host.daemon != null) {
            kill(host.daemon);
        }
    }

    /** A human asks something of the migration that runs. */
    private void ask(boolean cancel) {
        for (SimHost host : List.of(a, b)) {
            if (host.daemon == null) {
                continue;
            }
            for (MigrationSnapshot m : host.daemon.migrations.list()) {
                if (m.side() == Side.SOURCE && !m.state().hasEnded()) {
                    trace(host, cancel ? "cancel" : "switch now");
                    try {
                        Thread.currentThread().interrupt(); // not to wait for the end
                        if (cancel) {
                            host.daemon.migrations.cancel(m.id());
                        } else {
                            host.daemon.migrations.switchToPostcopy(m.id());
                        }
                    } catch (FerryException e) {
                        trace(host, e.getMessage());
                    } finally {
                        Thread.interrupted();
                    }
                }
            }
        }
    }

    private void endAQemu() {
        List<SimQemu> living = new ArrayList<>();
        for (SimHost host : List.of(a, b)) {
            host.processes.stream().filter(q -> q.alive).forEach(living::add);
        }
        if (!living.isEmpty()) {
            SimQemu qemu = living.get(random.nextInt(living.size()));
            trace(qemu.host, "QEMU is killed");
            qemuEnded = true;
            lastStep = steps + 4_000;
            qemu.end();
        }
    }

    /** What an operator does who sees a guest that has ended, or that was stopped. */
    private void operate() {
        boolean ended = current != null && !current.alive && gone != null && gone.alive;
        boolean stopped = current != null && current.frozen;
        if (inCall > 0 || (!ended && !stopped) || random.nextInt(4) > 0) {
            return;
        }
        SimDaemon daemon = (ended ? gone : current).host.daemon;
        if (daemon == null) {
            return;
        }
        for (MigrationSnapshot m : daemon.migrations.list()) {
            try {
                Thread.currentThread().interrupt(); // not to wait for the end
                if (ended && m.side() == Side.SOURCE && !m.state().hasEnded()) {
                    trace(daemon.host, "rollback is ordered");
                    rollbackOrdered = true;
                    daemon.migrations.rollback(m.id(), true, random.nextInt(3) == 0);
                } else if (stopped && m.side() == Side.DESTINATION && !m.state().hasEnded()) {
                    trace(daemon.host, "resume is ordered");
                    Thread.interrupted();
                    daemon.migrations.resume(m.id());
                }
            } catch (FerryException e) {
                trace(daemon.host, "refused: " + e.getMessage());
            } finally {
                Thread.interrupted();
            }
        }
    }

    // ---- a schedule, from begin to end

    /**
     * @param struck how many faults
     * @param killedAt boundaries at which the daemon that passed them was killed
     */
    record Result(int struck, Set<FaultPoint> killedAt) {}

    Result run() {
        SimQemu born = new SimQemu(a, "");
        a.processes.add(born);
        a.registered = born;
        born.loaded = true;
        born.running = true;
        current = born;
        mayEndQemus = random.nextInt(4) == 0;
        start(a);
        start(b);
        for (int i = 0; i < 20 + random.nextInt(60); i++) {
            runGuest();
        }
        faults = random.nextInt(8);
        calm = 1 + random.nextInt(6);
        SimHost from = a;
        for (int leg = 0; leg < 2 && !isOver(); leg++) {
            SimHost to = from == a ? b : a;
            move(from, to, "request " + leg);
            if (qemuEnded || current.host == from || random.nextInt(3) > 0) {
                break;
            }
            faults += random.nextInt(3);
            from = to;
        }
        faults = 0;
        journalFull = null;
        if (!isOver()) {
            settleDown();
        }
        over = true;
        if (violation != null) {
            throw violation;
        }
        return new Result(struck, killedAt);
    }

    private void move(SimHost from, SimHost to, String request) {
        LostPagePolicy.Action whenLost = random.nextInt(4) > 0
                ? LostPagePolicy.Action.WAIT
                : random.nextBoolean() ? LostPagePolicy.Action.STOP : LostPagePolicy.Action.POISON;
        LostPagePolicy lostPages = new LostPagePolicy(whenLost, SECOND_NS / 100);
        Policy policy = new Policy(random.nextInt(4), 60 * SECOND_NS, 0, 0, false, lostPages);
        for (int tries = 0; tries < 4 && !isOver(); tries++) {
            try {
                if (from.daemon != null && from.registered != null) {
                    from.daemon.migrations.start(SimQemu.GUEST, to.name, request + "." + tries, policy);
                    break;
                }
            } catch (FerryException e) {
                trace(from, "not started: " + e.getMessage());
            } catch (SimDaemon.Crash e) {
                trace(from, "killed while it starts a migration");
            }
            idle();
        }
        while (!isOver() && !isQuiet()) {
            idle();
        }
    }

    /** What is to be done, or else time passes. */
    private void idle() {
        Task task = tasks.poll();
        if (task != null && task.daemon().isAlive()) {
            try {
                task.work().run();
            } catch (SimDaemon.Crash e) {
                trace(task.daemon().host, "its work ends with it");
            }
        } else {
            nowNs += random.nextInt(100_000_000);
        }
        step();
    }

    private boolean isQuiet() {
        if (a.daemon == null || b.daemon == null || !tasks.isEmpty()) {
            return false;
        }
        for (SimHost host : List.of(a, b)) {
            for (MigrationSnapshot m : host.daemon.migrations.list()) {
                if (!m.state().hasEnded()) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Nothing strikes any more: it must come to rest, with one guest. */
    private void settleDown() {
        long sweptNs = nowNs + 30 * SECOND_NS;
        while (nowNs < sweptNs && !isOver()) {
            idle();
        }
        while (!isOver() && !(isQuiet() && late.isEmpty() && streams.isEmpty())) {
            idle();
        }
        for (int i = 0; i < 200 && !isOver(); i++) {
            step();
        }
        if (isOver() || poisoned || !current.alive) {
            return;
        }
        checkRunsOn();
        if (!current.running) {
            violation("the guest stands on " + current.host);
        }
        if (current.uffd || current.tracked) {
            violation("something is left in its QEMU on " + current.host);
        }
        if (current.host.registered != current) {
            violation(current.host + " does not know its guest");
        }
        for (SimQemu.Access access : current.waiting()) {
            if (access != null && access.asleep) {
                violation("somebody waits for page " + access.page + " of " + access.block.name());
            }
        }
        for (RamBlock block : SimQemu.BLOCKS) {
            for (int p = 0; p < block.pageCount(); p++) {
                if (current.content[block.index()][p] != expected[block.index()][p]) {
                    violation(block.name() + " page " + p + " has version " + current.content[block.index()][p]
                            + ", the guest wrote " + expected[block.index()][p]);
                }
            }
        }
        for (SimHost host : List.of(a, b)) {
            for (SimQemu qemu : host.processes) {
                if (qemu != current && qemu.alive) {
                    violation("another QEMU is left on " + host);
                }
            }
            for (Journal.Entry entry : host.journal.values()) {
                switch (entry.step()) {
                    case FENCED, SETTLED, RENOUNCED -> {}
                    default -> {
                        // A destination that could not be asked does not know that its lost guest was rolled back.
                        if (!rollbackOrdered || entry.side() == Side.SOURCE) {
                            violation("the journal of " + host + " still says " + entry.step());
                        }
                    }
                }
            }
        }
    }

    /** What each daemon says of the guest's place must be true at any instant. */
    private void checkRunsOn() {
        if (current == null || !current.running) {
            return;
        }
        for (SimHost host : List.of(a, b)) {
            if (host.daemon == null) {
                continue;
            }
            for (MigrationSnapshot m : host.daemon.migrations.list()) {
                if (m.state().hasEnded()) {
                    continue; // it may have moved on since
                }
                if (journalsFailed && m.state() == MigrationState.RECOVERING) {
                    continue; // of a guest that was taken back, which could not be written down
                }
                SimHost of = m.side() == Side.SOURCE ? host : host == a ? b : a;
                SimHost said = m.runsOn() == Side.SOURCE ? of : of == a ? b : a;
                if (said != current.host) {
                    violation(host + " says of migration " + m.id() + " in " + m.state() + " that the guest runs on "
                            + said + ", it runs on " + current.host);
                }
            }
        }
    }

    // ---- for whoever looks

    void trace(SimHost host, String what) {
        trace.add(steps + " " + nowNs / 1_000 + " us " + host + ": " + what);
        if (trace.size() > TRACED) {
            trace.removeFirst();
        }
    }

    /** The first one counts. */
    void violation(String what) {
        if (violation == null) {
            violation = new Violation("seed " + seed + ": " + what + "\n" + String.join("\n", trace));
        }
        throw violation;
    }
}
