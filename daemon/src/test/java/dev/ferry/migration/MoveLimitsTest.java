package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.base.Urgency;
import dev.ferry.wire.PeerDialer;
import dev.ferry.wire.PeerServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several guests at once over real TCP, guests that are arrays. */
@Timeout(60)
class MoveLimitsTest {
    private static final int PAGES = 512;
    private static final MoveLimits FEW = new MoveLimits(2, 3);

    private final Map<String, FakeGuest> guests = new ConcurrentHashMap<>();
    private final Map<String, FakeGuest.Arriving> arriving = new ConcurrentHashMap<>();
    private final AtomicInteger standing = new AtomicInteger();
    private final AtomicInteger mostStanding = new AtomicInteger();
    private final AtomicLong skewNs = new AtomicLong();
    private final AtomicLong ids = new AtomicLong(100);
    private final NanoClock clock = () -> System.nanoTime() + skewNs.get();
    private final CountDownLatch together = new CountDownLatch(1);

    /** So long each waits for somebody else to stand as well. */
    private volatile long lingerMs;

    private volatile Runnable whenPrepared = () -> {};
    private volatile CountDownLatch stopsEnd = new CountDownLatch(0);
    private final MemoryJournal journal = new MemoryJournal();
    private Destinations destinations;
    private PeerServer server;
    private Migrations migrations;
    private String peer;

    private FakeGuest guest(String name) {
        return guests.computeIfAbsent(name, n -> {
            FakeGuest guest = new FakeGuest(n, PAGES, n.hashCode());
            guest.restNs = 100_000;
            guest.whenStopped = this::stands;
            guest.whenContinued = standing::decrementAndGet;
            return guest;
        });
    }

    /** Counts who stands still at the same time; each for as long as the test wants. */
    private void stands() {
        mostStanding.accumulateAndGet(standing.incrementAndGet(), Math::max);
        if (standing.get() > 1) {
            together.countDown();
        }
        try {
            together.await(lingerMs, TimeUnit.MILLISECONDS);
            stopsEnd.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private final GuestHost host = new GuestHost() {
        @Override
        public SourceGuest openSource(String name) {
            return guest(name);
        }

        @Override
        public ArrivingGuest prepareIncoming(IncomingSpec spec) {
            FakeGuest.Arriving a = new FakeGuest.Arriving(spec.guest(), spec.blocks()) {
                @Override
                public void cont() {
                    standing.decrementAndGet();
                    super.cont();
                }
            };
            whenPrepared.run();
            arriving.put(spec.guest(), a);
            return a;
        }

        @Override
        public SourceGuest recoverSource(String name) {
            return guest(name);
        }

        @Override
        public ArrivingGuest recoverArrival(String name, String migrationId) {
            return prepareIncoming(spec(1, name));
        }

        @Override
        public List<Reason> checkIncoming(IncomingSpec spec) {
            return List.of();
        }

        @Override
        public void forgetArrival(String migrationId) {}

        @Override
        public void undoDeparture(String name) {}

        @Override
        public void undoArrival(String name, String migrationId) {}

        @Override
        public void removeLost(String name, String migrationId) {}

        @Override
        public void endLost(String name, String migrationId) {}
    };

    @BeforeEach
    void start() throws Exception {
        destinations = destinations(new MemoryJournal());
        server = new PeerServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                destinations,
                "1.2",
                "there",
                Optional.empty());
        peer = "127.0.0.1:" + server.port();
        migrations = migrations(FEW);
    }

    private Destinations destinations(Journal of) {
        return new Destinations(host, of, clock, System::currentTimeMillis, FaultPoints.NONE, FEW);
    }

    private Migrations migrations(MoveLimits limits) {
        return new Migrations(
                host,
                new PeerDialer("test", 3, Optional.empty()),
                new Destinations(host, new MemoryJournal(), clock, System::currentTimeMillis, FaultPoints.NONE, limits),
                journal,
                clock,
                System::currentTimeMillis,
                ids::incrementAndGet,
                Thread::new,
                Urgency.NONE,
                "here");
    }

    @AfterEach
    void stop() {
        stopsEnd.countDown();
        migrations.close();
        server.close();
        guests.values().forEach(g -> g.ended = true);
    }

    private static final Policy STAYS = new Policy(0, TimeUnit.SECONDS.toNanos(5), 0, 1, false);

    private MigrationSnapshot begin(String guest, Policy policy) {
        return migrations.start(guest, peer, "r-" + guest, policy);
    }

    private void awaitState(String id, MigrationState state) {
        Awaitility.await()
                .atMost(20, TimeUnit.SECONDS)
                .until(() -> migrations.get(id).state() == state);
    }

    private MigrationSnapshot awaitEnd(String id) throws InterruptedException {
        MigrationSnapshot s = migrations.get(id);
        while (!s.state().hasEnded()) {
            s = migrations.awaitChange(id, s.version(), 1000);
        }
        return s;
    }

    private void letGo(String id) throws InterruptedException {
        migrations.setLimits(id, new Limits.Change(OptionalLong.empty(), OptionalLong.of(0)));
        MigrationSnapshot s = awaitEnd(id);
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
    }

    private static void assertLimit(Throwable e, String code) {
        assertThat(e).isInstanceOf(CannotMoveException.class).hasMessageContaining("cannot move now");
        assertThat(((FerryException) e).category()).isEqualTo(ErrorCategory.RESOURCE_EXHAUSTED);
        assertThat(codes(((CannotMoveException) e).reasons())).containsExactly(code);
    }

    private static List<String> codes(List<Reason> reasons) {
        return reasons.stream().map(Reason::code).toList();
    }

    @Test
    void shouldRefuseOneMoreThanMayLeave() throws Exception {
        String first = begin("g1", STAYS).id();
        begin("g2", STAYS);
        assertThat(migrations.taken()).isEqualTo(new MoveLimits.Taken(2, 0));
        assertThatThrownBy(() -> begin("g3", STAYS)).satisfies(e -> assertLimit(e, "OUTBOUND_LIMIT"));
        assertThat(codes(migrations.check("g3", peer).against())).containsExactly("OUTBOUND_LIMIT");
        assertThat(migrations.check("g3", peer).against()).allMatch(Reason::isTemporary);
        assertThat(begin("g1", STAYS).id())
                .as("the same request is no second move")
                .isEqualTo(first);
        assertThat(guests.get("g3").isTracked()).as("nothing was touched").isFalse();

        awaitState(first, MigrationState.POSTCOPY);
        assertThatThrownBy(() -> begin("g3", STAYS)).satisfies(e -> assertLimit(e, "OUTBOUND_LIMIT"));
        letGo(first);
        letGo(begin("g3", STAYS).id());
    }

    @Test
    void shouldTellTheSourceThatNoMoreMayArrive() throws Exception {
        migrations.close();
        migrations = migrations(MoveLimits.NONE);
        List<String> moving = new ArrayList<>();
        for (String guest : List.of("g1", "g2", "g3")) {
            moving.add(begin(guest, STAYS).id());
        }
        for (String id : moving) {
            awaitState(id, MigrationState.POSTCOPY);
        }
        assertThat(destinations.inbound()).isEqualTo(3);
        assertThatThrownBy(() -> begin("g4", STAYS)).satisfies(e -> assertLimit(e, "INBOUND_LIMIT"));
        assertThat(migrations.taken().outbound())
                .as("what was refused does not count")
                .isEqualTo(3);
        letGo(moving.get(1));
        letGo(begin("g4", STAYS).id());
        assertThat(arriving).containsOnlyKeys("g1", "g2", "g3", "g4");
    }

    /** Checks of both are behind them, so that only the limit itself stands between them. */
    @Test
    void shouldGiveTheLastPlacesToAsManyAsThereAre() throws Exception {
        int racers = 12;
        for (int round = 0; round < 20; round++) {
            Destinations there = destinations(new MemoryJournal());
            CyclicBarrier begin = new CyclicBarrier(racers);
            AtomicInteger got = new AtomicInteger();
            List<Throwable> refused = java.util.Collections.synchronizedList(new ArrayList<>());
            List<Thread> all = new ArrayList<>();
            for (int i = 0; i < racers; i++) {
                IncomingSpec spec = spec(1000L * round + i, "r" + i);
                all.add(new Thread(() -> {
                    try {
                        begin.await();
                        there.prepare(spec);
                        there.prepare(spec); // repeated: the answer of the first
                        got.incrementAndGet();
                    } catch (Exception e) {
                        refused.add(e);
                    }
                }));
            }
            all.forEach(Thread::start);
            for (Thread t : all) {
                t.join();
            }
            assertThat(refused).hasSize(racers - 3).allSatisfy(e -> assertLimit(e, "INBOUND_LIMIT"));
            assertThat(got.get()).isEqualTo(3);
            assertThat(there.inbound()).isEqualTo(3);
        }
    }

    /** Its QEMU is being started: nothing of it is known but that. */
    @Test
    void shouldCountAnArrivalThatOnlyBegins() throws Exception {
        Destinations there = new Destinations(
                host, new MemoryJournal(), clock, System::currentTimeMillis, FaultPoints.NONE, new MoveLimits(1, 1));
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        whenPrepared = () -> {
            begun.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        };
        Thread first = new Thread(() -> there.prepare(spec(1, "first")));
        first.start();
        begun.await();
        assertThat(there.inbound()).isEqualTo(1);
        assertThat(codes(there.check(spec(2, "second")))).containsExactly("INBOUND_LIMIT");
        assertThatThrownBy(() -> there.prepare(spec(2, "second"))).satisfies(e -> assertLimit(e, "INBOUND_LIMIT"));
        goOn.countDown();
        first.join();
        assertThat(there.inbound()).isEqualTo(1);
        assertThat(arriving).containsOnlyKeys("first");
    }

    private static IncomingSpec spec(long id, String guest) {
        dev.ferry.memory.RamBlock ram = new dev.ferry.memory.RamBlock(0, "ram", 1 << 20, 4096, true);
        return new IncomingSpec(id, 1, guest, "{}", "7.2", "pc", List.of(ram), "there", LostPagePolicy.defaults(), "");
    }

    private static Journal.Entry entry(String id, Side side, Journal.Step step, String guest, String to) {
        return new Journal.Entry(id, side, step, 1, guest, to, "", false, 1, 0, LostPagePolicy.defaults(), "");
    }

    @Test
    void shouldRecoverWhateverTheLimit() throws Exception {
        for (int i = 1; i <= 4; i++) {
            String id = "000000000000000" + i;
            destinations.recover(entry(id, Side.DESTINATION, Journal.Step.COMMITTED, "in" + i, "there"));
        }
        assertThat(destinations.inbound()).isEqualTo(4);
        assertThat(codes(destinations.check(spec(99, "x")))).containsExactly("INBOUND_LIMIT");

        for (int i = 5; i <= 7; i++) {
            // Nobody listens at port 1: they stay what they are.
            migrations.recover(
                    entry("000000000000000" + i, Side.SOURCE, Journal.Step.HANDED_OVER, "out" + i, "127.0.0.1:1"));
        }
        assertThat(migrations.taken().outbound()).isEqualTo(3);
        assertThatThrownBy(() -> begin("g1", STAYS)).satisfies(e -> assertLimit(e, "OUTBOUND_LIMIT"));
        for (int i = 5; i <= 7; i++) {
            migrations.rollback("000000000000000" + i, true, true);
        }
        assertThat(migrations.taken().outbound()).isZero();
    }

    @Test
    void shouldPauseOneGuestAtATime() throws Exception {
        lingerMs = 400;
        migrations.close();
        migrations = migrations(MoveLimits.NONE);
        List<String> all = new ArrayList<>();
        for (String guest : List.of("g1", "g2", "g3")) {
            all.add(begin(guest, Policy.defaults()).id());
        }
        for (String id : all) {
            MigrationSnapshot s = awaitEnd(id);
            assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
            assertThat(s.precopy().stopReason()).isNotEmpty();
        }
        assertThat(mostStanding).hasValue(1);
        assertThat(standing).hasValue(0);
    }

    /** What waits still runs, sends what it writes, and obeys. */
    @Test
    void shouldRunWhileItWaitsForItsTurn() throws Exception {
        migrations.close();
        migrations = migrations(MoveLimits.NONE);
        stopsEnd = new CountDownLatch(1);
        String first = begin("g1", Policy.defaults()).id();
        Awaitility.await().until(() -> standing.get() == 1);

        String second = begin("g2", Policy.defaults()).id();
        awaitWaits(second);
        String third =
                begin("g3", new Policy(1, Long.MAX_VALUE / 4, 1, 0, false)).id();
        awaitState(third, MigrationState.PRECOPY);
        migrations.switchToPostcopy(third); // ends its pre-copy, and has to wait as well
        awaitWaits(third);
        assertThat(guests.get("g2").isRunning()).isTrue();
        long pages = migrations.get(second).bytesSent();
        Awaitility.await().until(() -> migrations.get(second).bytesSent() > pages);

        MigrationSnapshot cancelled = migrations.cancel(second);
        assertThat(cancelled.state()).isEqualTo(MigrationState.CANCELLED);
        assertThat(guests.get("g2").isRunning()).isTrue();
        assertThat(guests.get("g2").calls).isEmpty();
        assertThat(guests.get("g3").isRunning()).isTrue();

        stopsEnd.countDown();
        for (String id : List.of(first, third)) {
            MigrationSnapshot s = awaitEnd(id);
            assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        }
        assertThat(mostStanding).hasValue(1);
    }

    private void awaitWaits(String id) {
        Awaitility.await()
                .atMost(20, TimeUnit.SECONDS)
                .until(() -> migrations.get(id).reason().startsWith("waits until another guest"));
        assertThat(migrations.get(id).state()).isEqualTo(MigrationState.PRECOPY);
    }

    /** A blackout that does not end holds nobody else up for good. */
    @Test
    void shouldNotWaitForATurnThatDoesNotCome() throws Exception {
        migrations.close();
        migrations = migrations(MoveLimits.NONE);
        stopsEnd = new CountDownLatch(1);
        begin("g1", Policy.defaults());
        Awaitility.await().until(() -> standing.get() == 1);
        String second = begin("g2", Policy.defaults()).id();
        awaitWaits(second);
        skewNs.addAndGet(TimeUnit.SECONDS.toNanos(16));
        Awaitility.await().until(() -> standing.get() == 2);
    }
}
