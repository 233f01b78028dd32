package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.base.Urgency;
import dev.ferry.wire.PeerDialer;
import dev.ferry.wire.PeerServer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Both sides of a migration over real TCP, with guests that are arrays: the whole protocol without QEMU. */
@Timeout(60)
class MigrationOverTcpTest {
    private static final int PAGES = 4096;

    private final FakeGuest guest = new FakeGuest(PAGES, 7);
    private final MemoryJournal journal = new MemoryJournal();
    private volatile FakeGuest.Arriving arriving;
    private volatile RuntimeException failLoad;
    private volatile RuntimeException failCont;
    private volatile boolean loseFinish;
    private volatile boolean breakCommit;
    private PeerServer server;
    private Migrations migrations;
    private Destinations destinations;
    private String peer;

    private final GuestHost host = new GuestHost() {
        @Override
        public SourceGuest openSource(String name) {
            if (!name.equals("db1")) {
                throw new FerryException(ErrorCategory.NOT_FOUND, "no guest " + name);
            }
            return guest;
        }

        @Override
        public List<Reason> checkIncoming(IncomingSpec spec) {
            return List.of();
        }

        @Override
        public ArrivingGuest prepareIncoming(IncomingSpec spec) {
            arriving = new FakeGuest.Arriving(spec.blocks());
            arriving.failLoad = failLoad;
            arriving.failCont = failCont;
            return arriving;
        }

        @Override
        public ArrivingGuest recoverArrival(String name, String migrationId) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void forgetArrival(String migrationId) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public SourceGuest recoverSource(String name) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void undoDeparture(String name) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void endLost(String name, String migrationId) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void removeLost(String name, String migrationId) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void undoArrival(String name, String migrationId) {
            throw new AssertionError("no daemon was restarted");
        }
    };

    @BeforeEach
    void start() throws Exception {
        destinations = new Destinations(host, journal, NanoClock.system(), System::currentTimeMillis) {
            @Override
            public MigrationSnapshot.PostcopyCounts finish(long migration, long epoch) {
                MigrationSnapshot.PostcopyCounts counts = super.finish(migration, epoch);
                if (loseFinish) {
                    loseFinish = false;
                    throw new FerryException(ErrorCategory.UNAVAILABLE, "the answer is lost");
                }
                return counts;
            }
        };
        server = new PeerServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                destinations,
                "1.2-there",
                "there",
                Optional.empty());
        peer = "127.0.0.1:" + server.port();
        migrations = migrations(new Destinations(host, journal, NanoClock.system(), System::currentTimeMillis), "here");
    }

    private Migrations migrations(Destinations here, String self) {
        return new Migrations(
                host,
                (to, id, epoch) -> breakingOnce(new PeerDialer("test", 3, Optional.empty()).dial(to, id, epoch)),
                here,
                journal,
                NanoClock.system(),
                System::currentTimeMillis,
                new AtomicLong(100)::incrementAndGet,
                Thread::new,
                Urgency.NONE,
                self);
    }

    /** A link whose next commit ends with an Error here, when the destination has answered. */
    private PeerLink breakingOnce(PeerLink link) {
        return (PeerLink) Proxy.newProxyInstance(
                PeerLink.class.getClassLoader(), new Class<?>[] {PeerLink.class}, (self, method, arguments) -> {
                    try {
                        Object answer = method.invoke(link, arguments);
                        if (method.getName().equals("commit") && breakCommit) {
                            breakCommit = false;
                            throw new OutOfMemoryError("Cannot reserve direct buffer memory");
                        }
                        return answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @AfterEach
    void stop() {
        migrations.close();
        server.close();
        guest.ended = true;
    }

    private MigrationSnapshot awaitEnd(String id) throws InterruptedException {
        MigrationSnapshot s = migrations.get(id);
        while (!s.state().hasEnded()) {
            s = migrations.awaitChange(id, s.version(), 1000);
        }
        return s;
    }

    private void assertEveryByteArrived() {
        for (int p = 0; p < PAGES; p++) {
            ByteBuffer page = ByteBuffer.wrap(arriving.memory, p * FakeGuest.PAGE, FakeGuest.PAGE);
            for (int i = 0; i < FakeGuest.PAGE / 4; i++) {
                int word = page.getInt();
                if (word != guest.expected[p]) {
                    throw new AssertionError("page " + p + " word " + i + " is " + word + ", not " + guest.expected[p]);
                }
            }
        }
        assertThat(arriving.small).isEqualTo(guest.small);
        assertThat(arriving.calls).noneMatch(c -> c.startsWith("WROTE OVER"));
    }

    @Test
    void shouldSayWhichReleaseTheDestinationRuns() {
        MigrationControl.Checked checked = migrations.check("db1", peer);
        assertThat(checked.against()).isEmpty();
        assertThat(checked.destinationVersion()).isEqualTo("1.2-there");
    }

    @Test
    void shouldMoveEveryByteOfAGuestThatWrites() throws Exception {
        MigrationSnapshot begun = migrations.start("db1", peer, "r1", Policy.defaults());
        MigrationSnapshot s = awaitEnd(begun.id());

        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(s.runsOn()).isEqualTo(Side.DESTINATION);
        assertEveryByteArrived();
        assertThat(arriving.calls).contains("load 3", "cont", "settle");
        assertThat(guest.calls).containsExactly("depart");
        assertThat(guest.isTracked()).isFalse();
        assertThat(s.downtimePhases()).isNotEmpty();
        assertThat(s.recoveries()).isZero();
        assertThat(s.bytesSent()).isPositive();
        assertThat(journal.readAll()).allMatch(e -> e.step() == Journal.Step.SETTLED);
        assertThat(journal.history.indexOf("SOURCE HANDED_OVER"))
                .isLessThan(journal.history.indexOf("DESTINATION COMMITTED"));
    }

    @Test
    void shouldServeFaultsOfAGuestThatTouchesEverythingAtOnce() throws Exception {
        MigrationSnapshot begun =
                migrations.start("db1", peer, "", new Policy(0, TimeUnit.SECONDS.toNanos(5), 0, 2 << 20, false));
        while (arriving == null || !arriving.running) {
            migrations.awaitChange(begun.id(), migrations.get(begun.id()).version(), 10);
        }
        Random random = new Random(3);
        for (int i = 0; i < 500; i++) {
            int page = random.nextInt(PAGES);
            assertThat(arriving.touch(page)).isEqualTo(guest.expected[page]);
        }
        MigrationSnapshot s = awaitEnd(begun.id());
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertEveryByteArrived();
        assertThat(s.postcopy().remoteFaults()).isPositive();
        assertThat(s.postcopy().faultLatency().count()).isPositive();
        assertThat(s.postcopy().residualPages()).isGreaterThan(PAGES / 4);
    }

    /** At 64 KiB/s the push alone would take more than two minutes. */
    @Test
    void shouldEndSoonAfterTheLimitOfThePushIsLifted() throws Exception {
        String id = startPostcopy(64 << 10);
        for (int page = 0; page < PAGES; page += 64) {
            long beginNs = System.nanoTime();
            assertThat(arriving.touch(page)).isEqualTo(guest.expected[page]);
            assertThat(System.nanoTime() - beginNs).isLessThan(TimeUnit.SECONDS.toNanos(1));
        }
        assertThat(migrations.get(id).state()).isEqualTo(MigrationState.POSTCOPY);
        assertThat(migrations.get(id).memoryRemainingBytes()).isPositive();

        MigrationSnapshot changed = migrations.setLimits(id, postcopyLimit(0));
        assertThat(changed.limits()).isEqualTo(new Limits(3 << 20, 0));
        long liftedNs = System.nanoTime();
        MigrationSnapshot s = awaitEnd(id);
        assertThat(System.nanoTime() - liftedNs).isLessThan(TimeUnit.SECONDS.toNanos(10));
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(s.recoveries()).isZero();
        assertEveryByteArrived();
        assertRefused(() -> migrations.setLimits(id, postcopyLimit(1)), ErrorCategory.FAILED_PRECONDITION, "has ended");
    }

    /** At a byte a second the push alone would take weeks. */
    @Test
    void shouldEndWhenTheGuestHasTouchedEverythingHoweverSmallTheLimit() throws Exception {
        String id = startPostcopy(1);
        for (int page = 0; page < PAGES; page++) {
            assertThat(arriving.touch(page)).isEqualTo(guest.expected[page]);
        }
        MigrationSnapshot s = awaitEnd(id);
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(s.recoveries()).isZero();
        assertThat(s.postcopy().pushedPages()).isLessThan(s.postcopy().demandPages());
        assertEveryByteArrived();
    }

    @Test
    void shouldLiftTheLimitOfPrecopyWhileItWaits() throws Exception {
        String id = migrations
                .start("db1", peer, "", new Policy(1, Long.MAX_VALUE / 4, 1, 0, false))
                .id();
        while (migrations.get(id).state() != MigrationState.PRECOPY) {
            migrations.awaitChange(id, migrations.get(id).version(), 10);
        }
        migrations.setLimits(id, new Limits.Change(OptionalLong.of(0), OptionalLong.empty()));
        MigrationSnapshot s = awaitEnd(id);
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(s.precopy().stopReason()).isEqualTo("round limit");
        assertEveryByteArrived();
    }

    @Test
    void shouldNotLetTheLimitOfPrecopyOutlastItsTime() throws Exception {
        Policy slow = new Policy(5, TimeUnit.MILLISECONDS.toNanos(200), 1, 0, false);
        MigrationSnapshot s = awaitEnd(migrations.start("db1", peer, "", slow).id());
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(s.precopy().stopReason()).isEqualTo("time limit");
        assertEveryByteArrived();
    }

    @Test
    void shouldTakeLimitsOnlyForAMigrationThatLeaves() throws Exception {
        assertRefused(
                () -> migrations.setLimits("00000000000000ff", postcopyLimit(1)),
                ErrorCategory.NOT_FOUND,
                "ferry list");
        String id = startPostcopy(1);
        assertThat(migrations.get(id).limits()).isEqualTo(new Limits(3 << 20, 1));
        try (Migrations there = migrations(destinations, "there")) {
            assertRefused(
                    () -> there.setLimits(id, postcopyLimit(0)),
                    ErrorCategory.FAILED_PRECONDITION,
                    "say limit to the ferryd of the source");
        }
        migrations.setLimits(id, postcopyLimit(0));
        assertThat(awaitEnd(id).state()).isEqualTo(MigrationState.COMPLETED);
    }

    private static StartOptions hold(long ms, boolean required) {
        return new StartOptions("f", "", TimeUnit.MILLISECONDS.toNanos(ms), required);
    }

    private List<String> kinds() {
        return migrations.events().after(0, 100).stream()
                .map(e -> e.kind() + " " + e.migration().state())
                .toList();
    }

    private void awaitNetworksEvent() throws InterruptedException {
        CountDownLatch told = new CountDownLatch(1);
        try (MigrationControl.Listening l = migrations.events().onAppend(() -> {
            if (kinds().contains("NETWORKS SWITCHOVER")) {
                told.countDown();
            }
        })) {
            if (!kinds().contains("NETWORKS SWITCHOVER")) {
                assertThat(told.await(20, TimeUnit.SECONDS)).isTrue();
            }
        }
    }

    @Test
    void shouldTellOfTheNetworksBeforeTheGuestRunsAtTheDestination() throws Exception {
        MigrationSnapshot s =
                awaitEnd(migrations.start("db1", peer, "", Policy.defaults()).id());
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        Awaitility.await().until(() -> kinds().contains("STATE COMPLETED")); // a moment after the state
        assertThat(kinds())
                .containsSubsequence(
                        "STATE PREPARING",
                        "STATE PRECOPY",
                        "STATE SWITCHOVER",
                        "NETWORKS SWITCHOVER",
                        "STATE POSTCOPY",
                        "STATE COMPLETED");
        assertThat(s.downtimePhases()).noneMatch(p -> p.name().equals("network-hold"));
    }

    @Test
    void shouldHoldTheGuestUntilItsNetworksAreConfirmed() throws Exception {
        String id = migrations
                .start("db1", peer, "", Policy.defaults(), hold(20_000, true))
                .id();
        awaitNetworksEvent();
        assertThat(migrations.get(id).runsOn()).isEqualTo(Side.SOURCE);
        assertThat(arriving.running).isFalse();
        assertThat(migrations.confirmNetworks(id).networksConfirmed()).isTrue();
        MigrationSnapshot s = awaitEnd(id);
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(s.downtimePhases()).anyMatch(p -> p.name().equals("network-hold"));
        assertThat(s.downtimeNs()).isLessThan(TimeUnit.SECONDS.toNanos(10));
        assertThat(migrations.confirmNetworks(id).state()).isEqualTo(MigrationState.COMPLETED);
    }

    @Test
    void shouldGoOnWhenAHoldRunsOutUnlessTheNetworksAreRequired() throws Exception {
        MigrationSnapshot undone = awaitEnd(migrations
                .start("db1", peer, "", Policy.defaults(), hold(30, true))
                .id());
        assertThat(undone.state()).isEqualTo(MigrationState.FAILED);
        assertThat(undone.runsOn()).isEqualTo(Side.SOURCE);
        assertThat(undone.error()).contains("within 30 ms", "the guest runs on the source");
        assertRefused(
                () -> migrations.confirmNetworks(undone.id()), ErrorCategory.FAILED_PRECONDITION, "moves no networks");

        MigrationSnapshot done = awaitEnd(migrations
                .start("db1", peer, "", Policy.defaults(), hold(30, false))
                .id());
        assertThat(done.state()).as(done.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(done.downtimePhases())
                .filteredOn(p -> p.name().equals("network-hold"))
                .allMatch(p -> p.durationNs() >= TimeUnit.MILLISECONDS.toNanos(29));
    }

    @Test
    void shouldLetACancelEndAHold() throws Exception {
        String id = migrations
                .start("db1", peer, "", Policy.defaults(), hold(20_000, false))
                .id();
        awaitNetworksEvent();
        assertThat(migrations.cancel(id).state()).isEqualTo(MigrationState.CANCELLED);
    }

    @Test
    void shouldAnswerARequestThatComesAgainWithItsMigration() throws Exception {
        MigrationSnapshot first = migrations.start("db1", peer, "r1", Policy.defaults(), hold(0, false));
        assertThat(migrations
                        .start("db1", peer, "r1", Policy.defaults(), hold(0, false))
                        .id())
                .isEqualTo(first.id());
        StartOptions other = new StartOptions("other", "", 0, false);
        assertRefused(
                () -> migrations.start("db1", peer, "r1", Policy.defaults(), other),
                ErrorCategory.INVALID_ARGUMENT,
                "nothing was started");
        awaitEnd(first.id());
        assertThat(migrations
                        .start("db1", peer, "r1", Policy.defaults(), hold(0, false))
                        .state())
                .isEqualTo(MigrationState.COMPLETED);
    }

    @Test
    void shouldKnowARequestAfterARestart() throws Exception {
        Map<String, RequestLog.Entry> written = new ConcurrentHashMap<>();
        RequestLog log = (RequestLog) Proxy.newProxyInstance(
                RequestLog.class.getClassLoader(), new Class<?>[] {RequestLog.class}, (self, method, arguments) -> {
                    switch (method.getName()) {
                        case "write" ->
                            written.put(((RequestLog.Entry) arguments[0]).migration(), (RequestLog.Entry) arguments[0]);
                        case "remove" -> written.remove(arguments[0]);
                        default -> {}
                    }
                    return method.getName().equals("readAll") ? List.copyOf(written.values()) : null;
                });
        migrations.remember(log);
        String id = migrations
                .start("db1", peer, "r1", Policy.defaults(), hold(0, false))
                .id();
        awaitEnd(id);
        RequestLog.Entry begun = new RequestLog.Entry(
                "r2",
                "f",
                "00000000000000b2",
                "db1",
                peer,
                System.currentTimeMillis() - 1000,
                MigrationState.PREPARING,
                Side.SOURCE,
                "",
                "",
                0);
        log.write(begun);
        RequestLog.Entry old = new RequestLog.Entry(
                "r3", "f", "00000000000000b3", "db1", peer, 1, MigrationState.COMPLETED, Side.DESTINATION, "", "", 2);
        log.write(old);

        try (Migrations next =
                migrations(new Destinations(host, journal, NanoClock.system(), System::currentTimeMillis), "here")) {
            next.remember(log);
            MigrationSnapshot known = next.start("db1", peer, "r1", Policy.defaults(), hold(0, false));
            assertThat(known.id()).isEqualTo(id);
            assertThat(known.state()).isEqualTo(MigrationState.COMPLETED);
            assertThat(known.runsOn()).isEqualTo(Side.DESTINATION);
            assertThat(next.get(id).state()).isEqualTo(MigrationState.COMPLETED);
            assertThat(next.list()).extracting(MigrationSnapshot::id).contains(id, "00000000000000b2");
            MigrationSnapshot undone = next.get("00000000000000b2");
            assertThat(undone.state()).isEqualTo(MigrationState.FAILED);
            assertThat(undone.error()).contains("restarted before the commit", "the guest runs on the source");
            assertThat(undone.totalNs()).isGreaterThanOrEqualTo(TimeUnit.SECONDS.toNanos(1));
            assertRefused(
                    () -> next.start("db1", peer, "r1", Policy.defaults(), new StartOptions("g", "", 0, false)),
                    ErrorCategory.INVALID_ARGUMENT,
                    "r1");
            assertRefused(() -> next.cancel(id), ErrorCategory.FAILED_PRECONDITION, "has ended");
            assertThat(written).doesNotContainKey("00000000000000b3");
        }
    }

    /** Without pre-copy; returns when the guest runs at the destination. */
    private String startPostcopy(long postcopyBandwidth) throws InterruptedException {
        Policy policy = new Policy(0, TimeUnit.SECONDS.toNanos(5), 3 << 20, postcopyBandwidth, false);
        String id = migrations.start("db1", peer, "", policy).id();
        MigrationSnapshot s = migrations.get(id);
        while (s.state() != MigrationState.POSTCOPY) {
            assertThat(s.state().hasEnded()).as(s.error()).isFalse();
            s = migrations.awaitChange(id, s.version(), 1000);
        }
        return id;
    }

    private static Limits.Change postcopyLimit(long bytesPerSecond) {
        return new Limits.Change(OptionalLong.empty(), OptionalLong.of(bytesPerSecond));
    }

    private static void assertRefused(ThrowingCallable call, ErrorCategory category, String why) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(category))
                .hasMessageContaining(why);
    }

    @Test
    void shouldLeaveTheGuestOnTheSourceWhenTheDeviceStateCannotBeLoaded() throws Exception {
        failLoad = new FerryException(ErrorCategory.INTERNAL, "load failed");
        MigrationSnapshot s =
                awaitEnd(migrations.start("db1", peer, "", Policy.defaults()).id());
        assertThat(s.state()).isEqualTo(MigrationState.FAILED);
        assertThat(s.runsOn()).isEqualTo(Side.SOURCE);
        assertThat(s.error()).contains("load failed").contains("runs on the source");
        assertUntouched();
        assertThat(arriving.calls).contains("fence").doesNotContain("cont");
        assertThat(journal.history).doesNotContain("SOURCE HANDED_OVER");
    }

    @Test
    void shouldAskAgainWhenTheDestinationCannotResumeAtOnce() throws Exception {
        failCont = new FerryException(ErrorCategory.UNAVAILABLE, "the disk is locked");
        MigrationSnapshot s =
                awaitEnd(migrations.start("db1", peer, "", Policy.defaults()).id());
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(s.recoveries()).isPositive();
        assertEveryByteArrived();
        assertThat(guest.calls).doesNotContain("cont");
    }

    @Test
    void shouldNeverResumeTheGuestForAnErrorAfterTheCommit() throws Exception {
        breakCommit = true;
        MigrationSnapshot s =
                awaitEnd(migrations.start("db1", peer, "", Policy.defaults()).id());
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(s.recoveries()).isPositive();
        assertThat(guest.calls).containsExactly("depart");
        assertThat(guest.isRunning()).isFalse();
        assertEveryByteArrived();
    }

    @Test
    void shouldEndWhenTheLastAnswerIsLost() throws Exception {
        loseFinish = true;
        Policy noPrecopy = new Policy(0, TimeUnit.SECONDS.toNanos(5), 0, 0, false);
        MigrationSnapshot s =
                awaitEnd(migrations.start("db1", peer, "", noPrecopy).id());
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(s.recoveries()).isEqualTo(1);
        assertThat(s.postcopy().pushedPages()).isPositive();
        assertEveryByteArrived();
        assertThat(guest.calls).containsExactly("depart");
    }

    @Test
    void shouldCancelBeforeTheCommit() throws Exception {
        MigrationSnapshot begun =
                migrations.start("db1", peer, "", new Policy(5, Long.MAX_VALUE / 4, 1 << 20, 0, false));
        MigrationSnapshot s = migrations.cancel(begun.id());
        assertThat(s.state()).isEqualTo(MigrationState.CANCELLED);
        assertUntouched();
        if (arriving != null) {
            assertThat(arriving.calls).doesNotContain("cont");
        }
        assertThatThrownBy(() -> migrations.cancel(begun.id()))
                .isInstanceOfSatisfying(
                        FerryException.class,
                        e -> assertThat(e.category()).isEqualTo(ErrorCategory.FAILED_PRECONDITION));
    }

    @Test
    void shouldRefuseACancelAfterTheCommit() throws Exception {
        MigrationSnapshot begun =
                migrations.start("db1", peer, "", new Policy(0, TimeUnit.SECONDS.toNanos(5), 0, 4 << 20, false));
        MigrationSnapshot s = begun;
        while (s.state() != MigrationState.POSTCOPY) {
            s = migrations.awaitChange(begun.id(), s.version(), 1000);
        }
        assertThatThrownBy(() -> migrations.cancel(begun.id()))
                .isInstanceOfSatisfying(
                        FerryException.class,
                        e -> assertThat(e.category()).isEqualTo(ErrorCategory.FAILED_PRECONDITION))
                .hasMessageContaining("destination");
        assertThat(awaitEnd(begun.id()).state()).isEqualTo(MigrationState.COMPLETED);
        assertEveryByteArrived();
    }

    @Test
    void shouldBeOneMigrationForOneRequestId() throws Exception {
        Policy slow = new Policy(5, Long.MAX_VALUE / 4, 1 << 20, 0, false);
        MigrationSnapshot first = migrations.start("db1", peer, "same", slow);
        assertThat(migrations.start("db1", peer, "same", slow).id()).isEqualTo(first.id());
        assertThatThrownBy(() -> migrations.start("db1", peer, "other", slow))
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.ALREADY_EXISTS));
        migrations.cancel(first.id());
        assertThat(migrations.start("db1", peer, "same", slow).id()).isEqualTo(first.id());
    }

    @Test
    void shouldSwitchWhenAsked() throws Exception {
        MigrationSnapshot begun =
                migrations.start("db1", peer, "", new Policy(5, Long.MAX_VALUE / 4, 1 << 20, 0, false));
        migrations.switchToPostcopy(begun.id());
        MigrationSnapshot s = awaitEnd(begun.id());
        assertThat(s.state()).as(s.error()).isEqualTo(MigrationState.COMPLETED);
        assertThat(s.precopy().stopReason()).isEqualTo("switch requested");
        assertEveryByteArrived();
    }

    @Test
    void shouldTouchNothingWhenNobodyAnswers() {
        assertThatThrownBy(() -> migrations.start("db1", "127.0.0.1:1", "", Policy.defaults()))
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.UNAVAILABLE))
                .hasMessageContaining("127.0.0.1:1");
        assertUntouched();
        assertThat(journal.history).isEmpty();
        assertThat(migrations.moving("db1")).isEmpty();
    }

    private void assertUntouched() {
        assertThat(guest.isRunning()).isTrue();
        assertThat(guest.isTracked()).isFalse();
        assertThat(guest.calls).doesNotContain("depart");
        assertThat(journal.readAll()).noneMatch(e -> e.side() == Side.SOURCE);
    }
}
