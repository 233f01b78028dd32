package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.base.Urgency;
import dev.ferry.wire.PeerDialer;
import dev.ferry.wire.PeerServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections that are lost before the commit, and peers with two addresses, over real TCP with guests that are arrays. */
@Timeout(60)
class LostLinkTest {
    private static final int PAGES = 4096;

    /** The first round takes about two seconds. */
    private static final Policy SLOW = new Policy(3, TimeUnit.SECONDS.toNanos(30), 4 << 20, 0, false);

    private final FakeGuest guest = new FakeGuest(PAGES, 11);
    private final MemoryJournal journal = new MemoryJournal();
    private final MemoryJournal journalThere = new MemoryJournal();
    private volatile FakeGuest.Arriving arriving;
    private final AtomicInteger prepared = new AtomicInteger();
    private volatile Runnable whenStopped = () -> {};
    private volatile Runnable whenSwitched = () -> {};
    private Destinations destinations;
    private PeerServer server;
    private CutProxy proxy;
    private Migrations migrations;

    private final GuestHost host = new GuestHost() {
        @Override
        public SourceGuest openSource(String name) {
            return guest;
        }

        @Override
        public List<Reason> checkIncoming(IncomingSpec spec) {
            return List.of();
        }

        @Override
        public ArrivingGuest prepareIncoming(IncomingSpec spec) {
            prepared.incrementAndGet();
            arriving = new FakeGuest.Arriving(spec.blocks());
            return arriving;
        }

        @Override
        public ArrivingGuest recoverArrival(String name, String migrationId) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void forgetArrival(String migrationId) {}

        @Override
        public SourceGuest recoverSource(String name) {
            throw new AssertionError("no daemon was restarted");
        }

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
        destinations = new Destinations(host, journalThere, NanoClock.system(), System::currentTimeMillis);
        server = serve(destinations);
        proxy = new CutProxy(server.port());
        migrations = migrations(RetryLimits.DEFAULTS);
    }

    private static PeerServer serve(Arrivals arrivals) throws IOException {
        return new PeerServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                arrivals,
                "1.2-there",
                "there",
                Optional.empty());
    }

    private Migrations migrations(RetryLimits limits) {
        return new Migrations(
                host,
                new PeerDialer("test", 3, "", limits, Optional.empty()),
                new Destinations(host, journal, NanoClock.system(), System::currentTimeMillis),
                journal,
                NanoClock.system(),
                System::currentTimeMillis,
                new AtomicLong(100)::incrementAndGet,
                Thread::new,
                Urgency.NONE,
                "here",
                point -> {
                    if (point == FaultPoint.GUEST_STOPPED) {
                        whenStopped.run();
                    } else if (point == FaultPoint.SWITCHOVER_ANSWERED) {
                        whenSwitched.run();
                    }
                });
    }

    @AfterEach
    void stop() throws Exception {
        migrations.close();
        proxy.close();
        server.close();
        guest.ended = true;
    }

    private MigrationSnapshot await(String id, Predicate<MigrationSnapshot> condition) throws InterruptedException {
        MigrationSnapshot s = migrations.get(id);
        while (!condition.test(s)) {
            assertThat(s.state().hasEnded()).as(s.state() + " " + s.error()).isFalse();
            s = migrations.awaitChange(id, s.version(), 1000);
        }
        return s;
    }

    private MigrationSnapshot awaitEnd(String id) throws InterruptedException {
        return await(id, s -> s.state().hasEnded());
    }

    private static boolean isTrying(MigrationSnapshot s) {
        return s.state() == MigrationState.PRECOPY && s.reason().startsWith("connection lost, tried again");
    }

    /** Begins a move and cuts the link when so much of it has been sent. */
    private String cutInPrecopy(Policy policy, long afterBytes) throws InterruptedException {
        String id = migrations.start("db1", proxy.address(), "", policy).id();
        await(id, s -> s.precopy().bytes() >= afterBytes);
        proxy.cut();
        await(id, LostLinkTest::isTrying);
        return id;
    }

    private void assertMoved(MigrationSnapshot s, int recoveries) {
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(s.runsOn()).isEqualTo(Side.DESTINATION);
        assertThat(s.recoveries()).isEqualTo(recoveries);
        assertThat(prepared).hasValue(1);
        for (int p = 0; p < PAGES; p++) {
            ByteBuffer page = ByteBuffer.wrap(arriving.memory, p * FakeGuest.PAGE, FakeGuest.PAGE);
            for (int i = 0; i < FakeGuest.PAGE / 4; i++) {
                assertThat(page.getInt()).as("page %d word %d", p, i).isEqualTo(guest.expected[p]);
            }
        }
        assertThat(arriving.small).isEqualTo(guest.small);
        assertThat(arriving.calls).noneMatch(c -> c.startsWith("WROTE OVER"));
        assertThat(guest.calls).containsExactly("depart");
    }

    private void assertStays(MigrationSnapshot s, MigrationState state) {
        assertThat(s.state()).as(s.error()).isEqualTo(state);
        assertThat(s.runsOn()).isEqualTo(Side.SOURCE);
        assertThat(guest.isRunning()).isTrue();
        assertThat(guest.isTracked()).isFalse();
        assertThat(guest.calls).doesNotContain("depart");
        assertThat(journal.readAll()).noneMatch(e -> e.side() == Side.SOURCE);
        assertThat(journal.history).doesNotContain("SOURCE HANDED_OVER");
        assertThat(arriving.running).isFalse();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 3 << 20, 7 << 20, 9 << 20})
    void shouldGoOnWhenTheLinkIsBack(long afterBytes) throws Exception {
        String id = cutInPrecopy(SLOW, afterBytes);
        assertThat(destinations.records().get(0).snapshot().state()).isEqualTo(MigrationState.PRECOPY);
        proxy.mend();
        migrations.setLimits(id, new Limits.Change(OptionalLong.of(0), OptionalLong.empty()));
        assertMoved(awaitEnd(id), 1);
        assertThat(destinations.records().get(0).snapshot().recoveries()).isEqualTo(1);
    }

    @Test
    void shouldGoOnAsOftenAsItsLimitSays() throws Exception {
        migrations.close();
        migrations = migrations(new RetryLimits(TimeUnit.SECONDS.toNanos(10), 2));
        String id = cutInPrecopy(SLOW, 1);
        for (int recoveries = 1; recoveries <= 2; recoveries++) {
            proxy.mend();
            int now = recoveries;
            await(id, s -> s.recoveries() == now && s.reason().startsWith("connected again"));
            proxy.cut();
            if (recoveries < 2) {
                await(id, LostLinkTest::isTrying);
            }
        }
        MigrationSnapshot s = awaitEnd(id);
        assertStays(s, MigrationState.FAILED);
        assertThat(s.error()).contains("lost in pre-copy for the 3. time").contains("runs on the source");
    }

    @Test
    void shouldLeaveTheGuestOnTheSourceWhenTheLinkStaysAway() throws Exception {
        migrations.close();
        migrations = migrations(new RetryLimits(TimeUnit.SECONDS.toNanos(1), 5));
        String id = cutInPrecopy(SLOW, 1 << 20);
        long cutNs = System.nanoTime();
        MigrationSnapshot s = awaitEnd(id);
        assertThat(System.nanoTime() - cutNs)
                .isBetween(TimeUnit.MILLISECONDS.toNanos(500), TimeUnit.SECONDS.toNanos(10));
        assertStays(s, MigrationState.FAILED);
        assertThat(s.error()).contains("did not come back within 1 s").contains("runs on the source");
    }

    @Test
    void shouldNotTryAtAllWhenItsLimitSaysSo() throws Exception {
        migrations.close();
        migrations = migrations(new RetryLimits(0, 5));
        String id = migrations.start("db1", proxy.address(), "", SLOW).id();
        await(id, s -> s.precopy().bytes() >= 1 << 20);
        proxy.cut();
        MigrationSnapshot s = awaitEnd(id);
        assertStays(s, MigrationState.FAILED);
        assertThat(s.recoveries()).isZero();
    }

    @Test
    void shouldCancelWhileItTries() throws Exception {
        String id = cutInPrecopy(SLOW, 1 << 20);
        long askedNs = System.nanoTime();
        assertStays(migrations.cancel(id), MigrationState.CANCELLED);
        assertThat(System.nanoTime() - askedNs).isLessThan(TimeUnit.SECONDS.toNanos(3));
    }

    /** Almost nothing was sent: the rest comes after the switch. */
    @Test
    void shouldSwitchWhenTheLinkIsBackIfAskedWhileItTries() throws Exception {
        String id = cutInPrecopy(SLOW, 1 << 20);
        migrations.switchToPostcopy(id);
        assertThat(isTrying(migrations.get(id))).isTrue();
        proxy.mend();
        MigrationSnapshot s = awaitEnd(id);
        assertMoved(s, 1);
        assertThat(s.precopy().stopReason()).isEqualTo("switch requested");
    }

    @Test
    void shouldNotTryAgainWhenTheDestinationHasGivenUp() throws Exception {
        String id = cutInPrecopy(SLOW, 1 << 20);
        destinations.abort(MigrationIds.parse(id), 1, "silence");
        proxy.mend();
        long mendedNs = System.nanoTime();
        MigrationSnapshot s = awaitEnd(id);
        assertThat(System.nanoTime() - mendedNs).isLessThan(TimeUnit.SECONDS.toNanos(4));
        assertStays(s, MigrationState.FAILED);
        assertThat(s.recoveries()).isEqualTo(1);
    }

    /** A daemon that was restarted has undone what an earlier one had begun. */
    @Test
    void shouldNotTryAgainWhenTheDestinationWasRestarted() throws Exception {
        String id = cutInPrecopy(SLOW, 1 << 20);
        Destinations fresh = new Destinations(host, journalThere, NanoClock.system(), System::currentTimeMillis);
        fresh.rememberFenced(MigrationIds.parse(id), 1);
        try (PeerServer restarted = serve(fresh)) {
            proxy.leadTo(restarted.port());
            proxy.mend();
            long mendedNs = System.nanoTime();
            MigrationSnapshot s = awaitEnd(id);
            assertThat(System.nanoTime() - mendedNs).isLessThan(TimeUnit.SECONDS.toNanos(4));
            assertStays(s, MigrationState.FAILED);
        }
    }

    @Test
    void shouldUndoACutInTheSwitchover() throws Exception {
        whenStopped = proxy::cut;
        String id = migrations
                .start("db1", proxy.address(), "", new Policy(1, TimeUnit.SECONDS.toNanos(5), 0, 0, false))
                .id();
        MigrationSnapshot s = awaitEnd(id);
        assertStays(s, MigrationState.FAILED);
        assertThat(s.recoveries()).isZero();
        assertThat(guest.calls).containsExactly("cont");
    }

    /** The destination was ready to run the guest, and has gone since: before the commit the guest still goes on here. */
    @Test
    void shouldUndoACutWhileTheNetworksAreWaitedFor() throws Exception {
        whenSwitched = proxy::cut;
        long holdNs = TimeUnit.SECONDS.toNanos(30);
        String id = migrations
                .start(
                        "db1",
                        proxy.address(),
                        "",
                        new Policy(1, TimeUnit.SECONDS.toNanos(5), 0, 0, false),
                        new StartOptions("", "", holdNs, false))
                .id();
        MigrationSnapshot s = awaitEnd(id);
        assertStays(s, MigrationState.FAILED);
        assertThat(s.totalNs()).as("it is not waited out").isLessThan(holdNs);
        assertThat(guest.calls).containsExactly("cont");
    }

    @Test
    void shouldTakeTheSecondAddressWhenTheFirstIsGone() throws Exception {
        try (CutProxy second = new CutProxy(server.port())) {
            String id = migrations
                    .start("db1", proxy.address() + "," + second.address(), "", SLOW)
                    .id();
            await(id, s -> s.precopy().bytes() >= 1 << 20);
            proxy.cut(); // for good
            await(id, s -> s.reason().startsWith("connected again"));
            migrations.setLimits(id, new Limits.Change(OptionalLong.of(0), OptionalLong.empty()));
            assertMoved(awaitEnd(id), 1);
        }
    }

    @Test
    void shouldBeginAtTheSecondAddressWhenNobodyAnswersAtTheFirst() throws Exception {
        proxy.close();
        try (CutProxy second = new CutProxy(server.port())) {
            String to = proxy.address() + "," + second.address();
            assertMoved(
                    awaitEnd(migrations.start("db1", to, "", Policy.defaults()).id()), 0);
            assertThat(migrations.list().get(0).peer()).isEqualTo(to);
        }
    }

    /** Another ferryd says NOT_FOUND: that must not be taken for the word of the right one. */
    @Test
    void shouldPassOverAnotherFerrydAtTheSecondAddress() throws Exception {
        Destinations strange =
                new Destinations(host, new MemoryJournal(), NanoClock.system(), System::currentTimeMillis);
        try (PeerServer other = serve(strange);
                CutProxy second = new CutProxy(other.port())) {
            String id = migrations
                    .start("db1", proxy.address() + "," + second.address(), "", SLOW)
                    .id();
            await(id, s -> s.precopy().bytes() >= 1 << 20);
            proxy.cut();
            await(id, LostLinkTest::isTrying);
            long cutNs = System.nanoTime();
            while (System.nanoTime() - cutNs < TimeUnit.SECONDS.toNanos(1)) {
                assertThat(isTrying(migrations.get(id))).isTrue();
                migrations.awaitChange(id, migrations.get(id).version(), 50);
            }
            proxy.mend();
            migrations.setLimits(id, new Limits.Change(OptionalLong.of(0), OptionalLong.empty()));
            assertMoved(awaitEnd(id), 1);
            assertThat(strange.records()).isEmpty();
        }
    }

    @Test
    void shouldNotBeginWithSomebodyWhoIsNoFerryd() throws Exception {
        proxy.cut();
        try {
            migrations.start("db1", proxy.address(), "", Policy.defaults());
            throw new AssertionError("started");
        } catch (FerryException e) {
            assertThat(e.category()).isEqualTo(ErrorCategory.UNAVAILABLE);
        }
    }
}
