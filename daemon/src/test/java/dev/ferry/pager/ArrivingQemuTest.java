package dev.ferry.pager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.qemu.GuestLauncher;
import dev.ferry.qemu.QemuGuest;
import dev.ferry.qemu.QemuRamBlock;
import dev.ferry.sys.Fd;
import dev.ferry.sys.RemoteUserfaultfd;
import dev.ferry.sys.Userfaultfd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A destination QEMU whose preparation or end fails half way. */
@Tag("qemu")
@Timeout(60)
class ArrivingQemuTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private Qemus qemus;
    private GuestLauncher.Incoming started;
    private QemuGuest guest;
    private Path state;
    private final FakeStore store = new FakeStore();

    /** Fails the first time. */
    private final class Fate implements ArrivingQemu.Fate {
        private final List<String> calls = new ArrayList<>();

        @Override
        public void settled() {
            call("settled");
        }

        @Override
        public void ended() {
            call("ended");
            qemus.launcher.cleanUp("a", started.ramFiles());
        }

        private void call(String what) {
            calls.add(what);
            if (calls.size() == 1) {
                throw new FerryException(ErrorCategory.UNAVAILABLE, "not now");
            }
        }
    }

    @BeforeEach
    void start() throws Exception {
        qemus = new Qemus();
        started = qemus.startIncoming("a");
        guest = started.guest();
        state = qemus.directory.resolve("migrations/1.in");
    }

    @AfterEach
    void close() throws Exception {
        store.close();
        guest.close();
        qemus.close();
    }

    private ArrivingQemu arriving(ArrivingQemu.Fate fate) {
        return new ArrivingQemu(
                guest,
                guest.blocks().stream().map(QemuRamBlock::block).toList(),
                started.ramIdentities()::contains,
                state,
                fate,
                store,
                NanoClock.system());
    }

    @Test
    void shouldFinishAnEndThatFailedHalfWay() {
        Fate fate = new Fate();
        ArrivingQemu arriving = arriving(fate);
        assertThatThrownBy(() -> arriving.fence("test")).hasMessage("not now");
        assertThat(arriving.isAlive()).isFalse();
        arriving.fence("test");
        arriving.fence("test");
        assertThat(fate.calls).containsExactly("ended", "ended");
        assertThat(state).doesNotExist();
        assertThat(started.ramFiles()).isNotEmpty().noneMatch(Files::exists);
    }

    @Test
    void shouldFinishASettlementThatFailedHalfWay() throws Exception {
        Fate fate = new Fate();
        ArrivingQemu arriving = arriving(fate);
        arriving.serveFaults();
        assertThatThrownBy(arriving::settle).hasMessage("not now");
        arriving.settle();
        arriving.settle();
        assertThat(fate.calls).containsExactly("settled", "settled");
        arriving.forget();
        arriving.forget();
        arriving.fence("it is no business of a migration any more");
        assertThat(arriving.isAlive()).isTrue();
        assertThat(state).doesNotExist();
        assertLeftAlone();
    }

    /** The last step: everything was made. */
    @Test
    void shouldUndoAPreparationThatQemuRefuses() throws Exception {
        guest.execute(
                "migrate-incoming",
                JsonNodeFactory.instance
                        .objectNode()
                        .put("uri", "unix:" + qemus.directory.resolve("guests/a/other.sock")),
                LIMIT);
        assertThatThrownBy(() -> arriving(new Fate())).isInstanceOf(FerryException.class);
        assertThat(state).doesNotExist();
        assertLeftAlone();
    }

    /** In the middle: the userfaultfd is there, but its ranges are another's. */
    @Test
    void shouldUndoAPreparationThatTheKernelRefuses() throws Exception {
        QemuRamBlock ram = guest.blocks().get(0);
        RemoteUserfaultfd.Injected foreign = guest.injectUserfaultfd();
        foreign.local().api(Userfaultfd.FEATURE_MISSING_SHMEM);
        foreign.local().register(ram.hostAddress(), ram.block().lengthBytes(), Userfaultfd.MODE_MISSING);
        assertThatThrownBy(() -> arriving(new Fate())).hasMessageContaining("EBUSY");
        assertThat(state).doesNotExist();
        foreign.local().unregister(ram.hostAddress(), ram.block().lengthBytes());
        foreign.local().close();
        RemoteUserfaultfd.closeRemote(guest.process(), foreign.remoteFd());
        assertLeftAlone();
    }

    @Test
    void shouldLeaveNothingOfAQemuThatEndsBeforeItIsWrittenDown() {
        ArrivingQemu arriving = arriving(new Fate());
        guest.kill(LIMIT);
        Path process = Path.of("/proc", Integer.toString(guest.process().pid()));
        Awaitility.await().until(() -> !Files.exists(process));
        assertThatThrownBy(() -> arriving.writeDown(state, false, "{}", started.ramFiles()))
                .isInstanceOf(FerryException.class);
        assertThat(state).doesNotExist();
    }

    @Test
    void shouldUndoAPreparationThatCannotBeWrittenDown() throws Exception {
        ArrivingQemu arriving = arriving(new Fate());
        Path inTheWay = Files.createDirectory(state.resolve("arrival.json.new"));
        assertThatThrownBy(() -> arriving.writeDown(state, true, "", List.of())).hasMessageContaining("arrival.json");
        assertThat(inTheWay).doesNotExist();
        assertThat(state).doesNotExist();
        assertLeftAlone();
    }

    /** As when something has closed it while no daemon was there: the threads have waited, and wait for the next daemon. */
    @Test
    void shouldServeAGuestWhoseOwnUserfaultfdIsGoneByTheOneThatWasKept() throws Exception {
        ArrivingQemu arriving = arriving(new Fate());
        arriving.writeDown(state, false, "", started.ramFiles());
        assertThat(store.names()).hasSize(1);
        ArrivalRecord record = ArrivalRecord.read(state);
        RemoteUserfaultfd.closeRemote(guest.process(), record.remoteFd());
        assertThat(Qemus.registeredMappings(guest)).isPositive();

        RecoveredQemu recovered = new RecoveredQemu(record, state, new NoHome(), store, NanoClock.system());
        assertThat(recovered.memory().isComplete()).isFalse();
        recovered.serveFaults();
        assertThat(store.names()).hasSize(1);
        recovered.settle();
        assertThat(store.names()).isEmpty();
        assertLeftAlone();
        recovered.forget();
    }

    @Test
    void shouldNotServeAGuestWithoutAUserfaultfdWhenNoneWasKept() {
        ArrivingQemu arriving = arriving(new Fate());
        arriving.writeDown(state, false, "", started.ramFiles());
        ArrivalRecord record = ArrivalRecord.read(state);
        RemoteUserfaultfd.closeRemote(guest.process(), record.remoteFd());
        assertThatThrownBy(
                        () -> new RecoveredQemu(record, state, new NoHome(), DescriptorStore.NONE, NanoClock.system()))
                .hasMessageContaining("pages are missing");
        assertThatThrownBy(() -> arriving.fence("test")).hasMessage("not now");
        assertThat(store.names()).isEmpty();
    }

    @Test
    void shouldKeepItsUserfaultfdFromWhenItIsWrittenDownUntilItEnds() {
        ArrivingQemu arriving = arriving(new Fate());
        assertThat(store.names()).isEmpty();
        arriving.writeDown(state, false, "", started.ramFiles());
        assertThat(store.names()).singleElement().asString().startsWith("uffd-1.in-");
        assertThatThrownBy(() -> arriving.fence("test")).hasMessage("not now");
        assertThat(store.names()).isEmpty();
    }

    @Test
    void shouldDropWhatAnEarlierDaemonKeptForNothing() throws Exception {
        try (Fd fd = Fd.open("/dev/null", 0, 0)) {
            store.keep("uffd-1.in-7-9", fd);
            store.keep("uffd-2.in-7-9", fd);
            store.keep("something else", fd);
        }
        Files.createDirectories(state);
        KeptUserfaultfd.dropForgotten(store, state.getParent());
        assertThat(store.names()).containsExactly("uffd-1.in-7-9");
        KeptUserfaultfd.dropAll(store, state);
        assertThat(store.names()).isEmpty();
    }

    private final class NoHome implements RecoveredQemu.Home {
        @Override
        public QemuGuest qemu() {
            return guest;
        }

        @Override
        public void settled() {}

        @Override
        public void lost() {}
    }

    /** Alive, and answers: nobody in it waits for a page. */
    private void assertLeftAlone() throws Exception {
        assertThat(guest.status()).isEqualTo("inmigrate");
        assertThat(Qemus.userfaultfds(guest)).isZero();
        assertThat(Qemus.registeredMappings(guest)).isZero();
    }
}
