package dev.ferry.pager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.NanoClock;
import dev.ferry.migration.ArrivingGuest;
import dev.ferry.qemu.GuestLauncher;
import dev.ferry.qemu.QemuGuest;
import dev.ferry.qemu.QemuRamBlock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A QEMU in which a guest has taken over everything: it must not have the daemon do for it what it cannot do itself. */
@Tag("qemu")
@Timeout(60)
class TakenOverQemuTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private Qemus qemus;
    private GuestLauncher.Incoming started;
    private QemuGuest guest;
    private QemuRamBlock ram;
    private Path state;
    private Path foreign;

    @BeforeEach
    void start() throws IOException {
        qemus = new Qemus();
        started = qemus.startIncoming("a");
        guest = started.guest();
        ram = guest.blocks().get(0);
        state = qemus.directory.resolve("migrations/1.in");
        foreign = Files.writeString(qemus.directory.resolve("foreign"), "root's");
    }

    @AfterEach
    void close() throws Exception {
        assertThat(foreign).hasContent("root's");
        guest.close();
        qemus.close();
    }

    private ArrivingQemu arriving() {
        return new ArrivingQemu(
                guest,
                guest.blocks().stream().map(QemuRamBlock::block).toList(),
                started.ramIdentities()::contains,
                state,
                new ArrivingQemu.Fate() {
                    @Override
                    public void settled() {}

                    @Override
                    public void ended() {}
                },
                DescriptorStore.NONE,
                NanoClock.system());
    }

    private ArrivingQemu writtenDown() {
        ArrivingQemu arriving = arriving();
        arriving.writeDown(state, false, "", started.ramFiles());
        return arriving;
    }

    /** As an earlier version wrote it. */
    private void removeIdentities() throws IOException {
        ObjectMapper json = new ObjectMapper();
        Path file = state.resolve("arrival.json");
        ObjectNode record = (ObjectNode) json.readTree(file.toFile());
        assertThat(record.remove("ramIdentities")).isNotEmpty();
        json.writeValue(file.toFile(), record);
    }

    private static void assertRefused(ThrowingCallable call, String says) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        FerryException.class,
                        e -> assertThat(e.category()).isEqualTo(ErrorCategory.FAILED_PRECONDITION))
                .hasMessageContaining(says);
    }

    private void recover() {
        qemus.host.recoverArrival("a", "1");
    }

    @Test
    void shouldNotRecoverIntoAFileThatQemuMayOnlyRead() throws IOException {
        ArrivingQemu arriving = writtenDown();
        Qemus.mapOver(guest, ram, foreign, false);
        assertRefused(this::recover, "another file");
        removeIdentities();
        assertRefused(this::recover, "may not write it");
        arriving.fence("test");
    }

    @Test
    void shouldNotRecoverIntoAFileThatIsNotTheGuestsRam() {
        ArrivingQemu arriving = writtenDown();
        Qemus.mapOver(guest, ram, foreign, true);
        assertRefused(this::recover, "another file");
        arriving.fence("test");
    }

    @Test
    void shouldRecoverWhatAnEarlierVersionWroteDown() throws IOException {
        writtenDown();
        removeIdentities();
        ArrivingGuest recovered = qemus.host.recoverArrival("a", "1");
        assertThat(recovered.memory().isComplete()).isFalse();
        recovered.end();
        recovered.remove();
        assertThat(started.ramFiles()).isNotEmpty().noneMatch(Files::exists);
    }

    @Test
    void shouldNotPrepareAnArrivalInAnotherFileThanWasMade() {
        Qemus.mapOver(guest, ram, foreign, true);
        assertRefused(this::arriving, "another file");
        assertThat(state).doesNotExist();
    }

    @Test
    void shouldNotTakeAnotherGuestForTheOneThatIsRecovered() throws IOException {
        writtenDown();
        QemuGuest other = qemus.run("b");
        other.stop(LIMIT);
        Path socket = Path.of(guest.qmpSocket());
        Files.delete(socket);
        Files.createSymbolicLink(socket, Path.of(other.qmpSocket()).resolveSibling("monitor.sock"));

        ArrivingGuest recovered = qemus.host.recoverArrival("a", "1");
        String says = "answers pid " + other.process().pid() + ", and not its QEMU, pid "
                + guest.process().pid();
        assertRefused(recovered::cont, says);
        assertRefused(recovered::settle, says);
        assertThat(other.status()).isEqualTo("paused");
        assertThat(qemus.registry.knows("a")).isFalse();

        recovered.end();
        recovered.remove();
        assertThat(other.isAlive()).isTrue();
    }
}
