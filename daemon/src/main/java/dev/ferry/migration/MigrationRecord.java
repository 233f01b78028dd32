package dev.ferry.migration;

import dev.ferry.base.NanoClock;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.MigrationSnapshot.PostcopyCounts;
import dev.ferry.migration.MigrationSnapshot.PrecopyCounts;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.LatencyBuckets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is known of one migration on one side, for people. Written by the migration's owner (its limits by whoever
 * changes them), read by anyone; the state changes only through {@link #state}.
 */
public final class MigrationRecord implements MigrationProbe {
    private static final Logger LOG = LoggerFactory.getLogger(MigrationRecord.class);

    /** Nothing was counted for so long. */
    private static final long STANDS_STILL_NS = TimeUnit.SECONDS.toNanos(2);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final NanoClock clock;
    private final long startNs;
    private final Fields f = new Fields();
    private final MigrationHistory events = new MigrationHistory();
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private long endNs;
    private long stateNs;
    private long rateAtNs;
    private long rateAtBytes;
    private long countedNs;

    /** While a guest arrives; null otherwise. */
    private volatile MigrationProbe.Counting counting;

    private final String id;
    private volatile long pageBytes;
    private volatile LatencyBuckets faultLatency = LatencyBuckets.NONE;

    /** The changeable part; only inside {@link #update}. */
    public static final class Fields {
        long version = 1;
        String id = "";
        String guest = "";
        MigrationState state = MigrationState.PREPARING;
        Side runsOn = Side.SOURCE;
        Side side = Side.SOURCE;
        String peer = "";
        String reason = "";
        String error = "";
        String errorReason = "";
        String requestId = "";
        long epoch = 1;
        List<PhaseTime> phases = List.of();
        long startedUnixMs;
        PrecopyCounts precopy = PrecopyCounts.NONE;
        PostcopyCounts postcopy = PostcopyCounts.NONE;
        int recoveries;
        long bytesSent;
        long memoryTotalBytes;
        long memoryRemainingBytes;
        double rate;
        double dirtyRate;
        boolean keepSource;
        long refusedMessages;
        Forecast forecast = Forecast.NONE;
        Limits limits = Limits.NONE;
        LostPagePolicy lostPages = LostPagePolicy.defaults();
        boolean guestStopped;
        long poisonedPages;
        long damagedMessages;
        String reservation = "";
        long networkHoldNs;
        boolean networksConfirmed;
    }

    MigrationRecord(NanoClock clock, long startedUnixMs, Consumer<Fields> first) {
        this(clock, startedUnixMs, 0, first);
    }

    /** @param ageMs since the migration began, under an earlier daemon */
    MigrationRecord(NanoClock clock, long startedUnixMs, long ageMs, Consumer<Fields> first) {
        this.clock = clock;
        this.rateAtNs = clock.nanoTime();
        this.stateNs = rateAtNs;
        this.startNs = rateAtNs - TimeUnit.MILLISECONDS.toNanos(Math.max(0, ageMs));
        f.startedUnixMs = startedUnixMs;
        first.accept(f);
        id = f.id;
        countedNs = rateAtNs;
        events.look(f, rateAtNs - startNs);
        if (f.state.hasEnded()) { // under an earlier daemon
            endNs = rateAtNs;
        }
    }

    /** The only way to change the state. An illegal change is a bug and is refused. */
    void state(MigrationState next, String reason) {
        update(x -> change(x, next, reason));
        listeners.forEach(Runnable::run);
    }

    /** As {@link #state}, unless it is in another state by now. */
    void stateIf(MigrationState expected, MigrationState next, String reason) {
        AtomicBoolean done = new AtomicBoolean();
        update(x -> {
            if (x.state == expected) {
                change(x, next, reason);
                done.set(true);
            }
        });
        if (done.get()) {
            listeners.forEach(Runnable::run);
        }
    }

    /** The other side owns the guest from now on, and whoever listens is told, though the state stays. */
    void runsOn(Side side) {
        update(x -> x.runsOn = side);
        listeners.forEach(Runnable::run);
    }

    private void change(Fields x, MigrationState next, String reason) {
        if (x.state == next) {
            x.reason = reason;
            return;
        }
        if (!x.state.mayBecome(next)) {
            throw new IllegalStateException("migration " + x.id + ": " + x.state + " cannot become " + next);
        }
        LOG.info("migration {} of {} ({}): {} -> {}: {}", x.id, x.guest, x.side, x.state, next, reason);
        x.state = next;
        x.reason = reason;
        stateNs = clock.nanoTime();
        if (next.hasEnded()) {
            endNs = clock.nanoTime();
            stopCounting();
        }
    }

    void update(Consumer<Fields> change) {
        lock.lock();
        try {
            change.accept(f);
            long now = clock.nanoTime();
            if (now - rateAtNs > 500_000_000L) {
                f.rate = Math.max(0, f.bytesSent - rateAtBytes) * 1e9 / (now - rateAtNs);
                rateAtNs = now;
                rateAtBytes = f.bytesSent;
            }
            countedNs = now;
            events.look(f, now - startNs);
            f.version++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public MigrationSnapshot snapshot() {
        lock.lock();
        try {
            return new MigrationSnapshot(
                    f.version,
                    f.id,
                    f.guest,
                    f.state,
                    f.runsOn,
                    f.side,
                    f.peer,
                    f.reason,
                    f.error,
                    f.requestId,
                    f.epoch,
                    f.phases,
                    (f.state.hasEnded() ? endNs : clock.nanoTime()) - startNs,
                    f.startedUnixMs,
                    f.precopy,
                    f.postcopy,
                    f.recoveries,
                    f.bytesSent,
                    f.memoryTotalBytes,
                    f.memoryRemainingBytes,
                    f.state.hasEnded() || clock.nanoTime() - rateAtNs > STANDS_STILL_NS ? 0 : f.rate,
                    f.dirtyRate,
                    f.keepSource,
                    f.refusedMessages,
                    f.limits,
                    f.forecast,
                    f.lostPages,
                    f.guestStopped,
                    f.poisonedPages,
                    f.damagedMessages,
                    clock.nanoTime() - stateNs,
                    f.reservation,
                    f.networkHoldNs,
                    f.networksConfirmed,
                    f.errorReason);
        } finally {
            lock.unlock();
        }
    }

    /** What a page of guest RAM is counted with. */
    void pages(List<RamBlock> blocks) {
        List<RamBlock> ram = blocks.stream().filter(RamBlock::guestRam).toList();
        long pages = ram.stream().mapToLong(RamBlock::pageCount).sum();
        pageBytes =
                pages == 0 ? 0 : ram.stream().mapToLong(RamBlock::lengthBytes).sum() / pages;
    }

    @Override
    public long pageBytes() {
        return pageBytes;
    }

    /** The guest arrives here: what counts until it has ended. */
    void counting(ArrivalMemory memory) {
        counting = new MigrationProbe.Counting(memory.counters(), memory.latency());
    }

    /** The record outlives the migration; the counters, half a megabyte, do not. */
    private void stopCounting() {
        MigrationProbe.Counting last = counting;
        if (last != null) {
            faultLatency = last.latency().buckets();
            counting = null;
        }
    }

    /** At the source: what the destination has told. */
    void faultLatency(LatencyBuckets all) {
        faultLatency = all;
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public long startNs() {
        return startNs;
    }

    @Override
    public long countedNs() {
        lock.lock();
        try {
            return countedNs;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public List<MigrationEvent> events() {
        lock.lock();
        try {
            return events.all();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public int droppedEvents() {
        lock.lock();
        try {
            return events.dropped();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Optional<MigrationProbe.Counting> counting() {
        return Optional.ofNullable(counting);
    }

    @Override
    public LatencyBuckets faultLatency() {
        MigrationProbe.Counting now = counting;
        return now == null ? faultLatency : now.latency().buckets();
    }

    MigrationState state() {
        lock.lock();
        try {
            return f.state;
        } finally {
            lock.unlock();
        }
    }

    /** {@link MigrationControl#onStateChange} */
    MigrationControl.Listening onStateChange(Runnable listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    /** Waits until the version is above the given one, or the time has passed. */
    MigrationSnapshot await(long version, long timeoutMs) throws InterruptedException {
        lock.lock();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(timeoutMs);
            while (f.version <= version && left > 0) {
                left = changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
        return snapshot();
    }

    void awaitEnd() throws InterruptedException {
        lock.lock();
        try {
            while (!f.state.hasEnded()) {
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }
}
