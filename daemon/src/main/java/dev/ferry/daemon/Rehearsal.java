package dev.ferry.daemon;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.base.Urgency;
import dev.ferry.memory.PageBitmap;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.ArrivingGuest;
import dev.ferry.migration.Destinations;
import dev.ferry.migration.GuestHost;
import dev.ferry.migration.IncomingSpec;
import dev.ferry.migration.Journal;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.Migrations;
import dev.ferry.migration.PageRuns;
import dev.ferry.migration.PeerLink;
import dev.ferry.migration.Policy;
import dev.ferry.migration.Reason;
import dev.ferry.migration.RetryLimits;
import dev.ferry.migration.SourceGuest;
import dev.ferry.postcopy.ArrivalMemory;
import dev.ferry.postcopy.FaultQueue;
import dev.ferry.postcopy.GuestPages;
import dev.ferry.precopy.SourceMemory;
import dev.ferry.sys.ThreadPriority;
import dev.ferry.wire.PeerDialer;
import dev.ferry.wire.PeerServer;
import dev.ferry.wire.PeerTls;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves a guest that is only arrays from this daemon to itself, over real TCP, a few times: the classes of a move are loaded
 * and compiled then, and not while the first real guest stands still. Its guests, migrations, journal and address are its
 * own; nothing outside this process is touched. Runs on a thread of its own, behind all others.
 */
final class Rehearsal implements GuestHost, AutoCloseable {
    /** Its threads are called so; of what is logged on them only this class's own words are kept. */
    static final String THREADS = "rehearsal";

    private static final Logger LOG = LoggerFactory.getLogger(Rehearsal.class);
    private static final int MOVES = 12;
    private static final int CALLS = 150;
    private static final int PAGE_BYTES = 4096;
    private static final int PAGES = 2048;
    private static final int WRITTEN_PAGES = 256;
    private static final int DEVICE_STATE_BYTES = 128 << 10;
    private static final String GUEST = "rehearsal";
    private static final RamBlock RAM = new RamBlock(0, "ram", (long) PAGES * PAGE_BYTES, PAGE_BYTES, true);
    private static final RamBlock SMALL = new RamBlock(1, "small", 64L * PAGE_BYTES, PAGE_BYTES, false);

    private final Random random = new Random(1);
    private final Thread thread = new DefaultThreadFactory(THREADS, true).newThread(this::run);
    private final AtomicBoolean started = new AtomicBoolean();
    private volatile Arriving arriving;
    private volatile boolean closed;
    private final Optional<PeerTls> tls;

    /** @param tls for connections of this host to itself */
    Rehearsal(Optional<PeerTls> tls) {
        this.tls = tls;
    }

    /** Once; later calls do nothing. */
    void start() {
        if (started.compareAndSet(false, true)) {
            thread.start();
        }
    }

    /** Ends it where it is. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }

    private void run() {
        ThreadPriority.background();
        NanoClock clock = NanoClock.system();
        Destinations destinations = new Destinations(this, new NoJournal(), clock, System::currentTimeMillis);
        InetSocketAddress here = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        try (PeerServer server = new PeerServer(here, destinations, "", "", tls, THREADS + "-");
                Migrations migrations = new Migrations(
                        this,
                        new PeerDialer("", 10, THREADS + "-", RetryLimits.DEFAULTS, tls),
                        new Destinations(this, new NoJournal(), clock, System::currentTimeMillis),
                        new NoJournal(),
                        clock,
                        System::currentTimeMillis,
                        new AtomicLong(1)::getAndIncrement,
                        new DefaultThreadFactory(THREADS, true),
                        Urgency.NONE,
                        "")) {
            String to = "127.0.0.1:" + server.port();
            for (int i = 0; i < MOVES; i++) {
                move(migrations, to, i);
            }
            call(to);
            LOG.debug("rehearsed");
        } catch (IOException | RuntimeException e) {
            if (!closed) {
                LOG.warn("the rehearsal failed; the first migration will be slower", e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The calls of the blackout, often enough to be compiled; nobody knows the migration that they name. */
    private void call(String to) {
        try (PeerLink link = new PeerDialer("", 10, THREADS + "-", RetryLimits.DEFAULTS, tls).dial(to, 0, 0)) {
            link.hello();
            List<PageRuns> stale = List.of(new PageRuns(0));
            for (int i = 0; i < CALLS; i++) {
                refused(() -> link.switchover(0, stale, List.of(), new byte[DEVICE_STATE_BYTES]));
                refused(link::commit);
            }
        }
    }

    private static void refused(Runnable call) {
        try {
            call.run();
        } catch (FerryException e) {
            if (e.category() != ErrorCategory.NOT_FOUND) {
                throw e;
            }
        }
    }

    /** Every second one without pre-copy, so that everything is left for faults and the push. */
    private void move(Migrations migrations, String to, int number) throws InterruptedException {
        Policy policy = new Policy(number % 2 == 0 ? 3 : 0, TimeUnit.SECONDS.toNanos(5), 0, 0, false);
        MigrationSnapshot s = migrations.start(GUEST, to, "", policy);
        while (!s.state().hasEnded() && s.state() != MigrationState.POSTCOPY) {
            s = migrations.awaitChange(s.id(), s.version(), 1000);
        }
        for (int i = 0; i < WRITTEN_PAGES; i++) {
            arriving.touch(random.nextInt(PAGES));
        }
        while (!s.state().hasEnded()) {
            s = migrations.awaitChange(s.id(), s.version(), 1000);
        }
        if (s.state() != MigrationState.COMPLETED) {
            throw new IllegalStateException(s.error());
        }
    }

    @Override
    public SourceGuest openSource(String guest) {
        return new Leaving();
    }

    @Override
    public List<Reason> checkIncoming(IncomingSpec spec) {
        return List.of();
    }

    @Override
    public ArrivingGuest prepareIncoming(IncomingSpec spec) {
        arriving = new Arriving();
        return arriving;
    }

    @Override
    public ArrivingGuest recoverArrival(String guest, String migrationId) {
        throw new UnsupportedOperationException("nothing is left over");
    }

    @Override
    public void forgetArrival(String migrationId) {}

    @Override
    public SourceGuest recoverSource(String guest) {
        throw new UnsupportedOperationException("nothing is left over");
    }

    @Override
    public void undoDeparture(String guest) {}

    @Override
    public void removeLost(String guest, String migrationId) {}

    @Override
    public void endLost(String guest, String migrationId) {}

    @Override
    public void undoArrival(String guest, String migrationId) {}

    /** Every page has content but each eighth; some are written between any two looks. */
    private final class Leaving implements SourceGuest, SourceMemory {
        @Override
        public String name() {
            return GUEST;
        }

        @Override
        public String qemuVersion() {
            return "";
        }

        @Override
        public String machine() {
            return "";
        }

        @Override
        public String definitionJson() {
            return "{}";
        }

        @Override
        public List<RamBlock> blocks() {
            return List.of(RAM, SMALL);
        }

        @Override
        public List<Reason> preflight() {
            return List.of();
        }

        @Override
        public SourceMemory memory() {
            return this;
        }

        @Override
        public boolean usesDirectIo() {
            return false;
        }

        @Override
        public void prepareDeviceState() {}

        @Override
        public void warmUp() {}

        @Override
        public void stop() {}

        @Override
        public byte[] saveDeviceState() {
            return new byte[DEVICE_STATE_BYTES];
        }

        @Override
        public void cont() {}

        @Override
        public void depart(boolean keep) {}

        @Override
        public boolean isAlive() {
            return true;
        }

        @Override
        public boolean hasMemory() {
            return true;
        }

        @Override
        public void close() {}

        @Override
        public void startTracking() {}

        @Override
        public void forEachPopulated(RamBlock block, PageBitmap.RunConsumer consumer) {
            consumer.accept(0, block.pageCount() / 2);
            consumer.accept(block.pageCount() / 2 + 1, block.pageCount() / 2 - 1);
        }

        @Override
        public void harvest(RamBlock block, PageBitmap.RunConsumer consumer) {
            long step = block.pageCount() / WRITTEN_PAGES + 1;
            for (long page = random.nextInt(4); page < block.pageCount(); page += step) {
                consumer.accept(page, 1);
            }
        }

        @Override
        public void read(RamBlock block, long firstPage, int pages, ByteBuffer into, int index) {
            for (int i = 0; i < pages; i++) {
                into.putLong(index + i * PAGE_BYTES, (firstPage + i) % 8);
            }
        }

        @Override
        public void stopTracking() {}
    }

    private static final class Arriving implements ArrivingGuest, GuestPages {
        private final ByteBuffer ram = ByteBuffer.allocateDirect(PAGES * PAGE_BYTES);
        private final PageBitmap mapped = PageBitmap.allocate(PAGES);
        private boolean over;
        private final ArrivalMemory memory = new ArrivalMemory(
                List.of(RAM),
                new PageBitmap[] {PageBitmap.allocate(PAGES)},
                new PageBitmap[] {PageBitmap.allocate(PAGES)},
                this,
                NanoClock.system());

        /** What a vCPU does: waits for a page that is not mapped. */
        void touch(long page) throws InterruptedException {
            synchronized (this) {
                if (!mapped.get(page)) {
                    memory.fault(RAM, page);
                }
                while (!mapped.get(page) && !over) {
                    wait();
                }
            }
        }

        @Override
        public String name() {
            return GUEST;
        }

        @Override
        public List<RamBlock> blocks() {
            return List.of(RAM, SMALL);
        }

        @Override
        public ArrivalMemory memory() {
            return memory;
        }

        @Override
        public void writeSmall(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {}

        @Override
        public void zeroSmall(RamBlock block, long firstPage, long pages) {}

        @Override
        public FaultQueue faults() {
            return FaultQueue.NONE;
        }

        @Override
        public void serveFaults() {}

        @Override
        public void loadDeviceState(byte[] stream) {}

        @Override
        public void cont() {}

        @Override
        public synchronized void settle() {
            over = true;
            notifyAll();
        }

        @Override
        public void forget() {}

        @Override
        public void fence(String reason) {
            settle();
        }

        @Override
        public void freeze() {}

        @Override
        public void thaw() {}

        @Override
        public void end() {}

        @Override
        public void remove() {}

        @Override
        public boolean isAlive() {
            return true;
        }

        @Override
        public void write(RamBlock block, long firstPage, int pages, ByteBuffer data, int index) {
            ram.put((int) firstPage * PAGE_BYTES, data, index, pages * PAGE_BYTES);
        }

        @Override
        public void writeZeros(RamBlock block, long firstPage, long pages) {}

        @Override
        public synchronized void map(RamBlock block, long firstPage, int pages) {
            mapped.setRange(firstPage, pages);
            notifyAll();
        }

        @Override
        public void mapAhead(RamBlock block, long firstPage, int pages) {}

        @Override
        public void poison(RamBlock block, long firstPage, long pages) {}

        @Override
        public synchronized void mapZero(RamBlock block, long page) {
            mapped.set(page);
            notifyAll();
        }
    }

    /** A rehearsal has nothing to remember. */
    private static final class NoJournal implements Journal {
        @Override
        public void write(Entry entry) {}

        @Override
        public void remove(String id, dev.ferry.migration.Side side) {}

        @Override
        public List<Entry> readAll() {
            return List.of();
        }
    }
}
