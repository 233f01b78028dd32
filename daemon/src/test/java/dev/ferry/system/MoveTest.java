package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.v1.AttachGuestRequest;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Phase;
import dev.ferry.v1.Policy;
import io.grpc.StatusRuntimeException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Real guests, real daemons, every byte. */
@Tag("qemu")
class MoveTest {
    private static final Policy SHORT = Policy.newBuilder().build();

    /** The source's memory as QEMU makes it by default, as memfd and as a file; each guest is reset once afterwards. */
    @ParameterizedTest
    @ValueSource(strings = {"private", "memfd", "shared"})
    void shouldMoveAGuestWhateverItsMemoryIsMadeOf(String backing) throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(
                    VerifyingGuest.toml(
                                    "v1",
                                    "tcg",
                                    "256MiB",
                                    2,
                                    "rate=5000 write=20 pattern=random fill=70",
                                    "backing = \"" + backing + "\"")
                            .replaceFirst("(?s)(.*)\n(backing[^\n]*)\n", "$2\n$1"),
                    "v1");
            lab.move(guest, lab.a, lab.b, SHORT);
            guest.awaitTick();
            guest.verify();
            assertThat(guest.verifyFromOutside().pages()).isGreaterThan(60_000);
            guest.reset();
            guest.verify();
        }
    }

    /** Of a private mapping of a file, a page that nobody has touched reads as the file. */
    @Test
    void shouldMoveWhatOnlyTheFileOfAPrivateMappingHolds() throws Exception {
        long ramBytes = 128L << 20;
        long from = 32L << 20;
        long to = 96L << 20;
        try (Lab lab = new Lab()) {
            Path ram = lab.root.resolve("private.ram");
            Path socket = lab.root.resolve("private.sock");
            ByteBuffer content = ByteBuffer.allocate(1 << 20);
            while (content.hasRemaining()) {
                content.putLong(0x0123_4567_89ab_cdefL * (1 + content.position()));
            }
            try (FileChannel file = FileChannel.open(ram, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                for (long at = 0; at < ramBytes; at += content.capacity()) {
                    file.write(content.rewind(), at);
                }
            }
            Process qemu = new ProcessBuilder(
                            "qemu-system-x86_64",
                            "-accel",
                            "tcg",
                            "-nodefaults",
                            "-display",
                            "none",
                            "-machine",
                            "q35,memory-backend=r",
                            "-m",
                            "128M",
                            "-object",
                            "memory-backend-file,id=r,share=off,size=128M,mem-path=" + ram,
                            "-qmp",
                            "unix:" + socket + ",server=on,wait=off")
                    .inheritIO()
                    .start();
            try {
                Await.until("QEMU listens", () -> Files.exists(socket));
                lab.a
                        .guests()
                        .attach(AttachGuestRequest.newBuilder()
                                .setName("v1")
                                .setQmpSocket(socket.toString())
                                .build());
                Migration moved = lab.a.follow(lab.a.start("v1", lab.b, SHORT).getId());
                assertThat(moved.getState()).as(moved.getError()).isEqualTo(MigrationState.COMPLETED);
                assertThat(moved.getPrecopy().getPages())
                        .as("reading is not writing: nothing travels twice")
                        .isLessThan(ramBytes / 4096 * 5 / 4);
                ByteBuffer there = ByteBuffer.allocate(content.capacity());
                try (FileChannel file = FileChannel.open(lab.b.ramFiles().get(0))) {
                    for (long at = from; at < to; at += content.capacity()) {
                        file.read(there.clear(), at);
                        assertThat(there.rewind().mismatch(content.rewind()))
                                .as("at %d", at)
                                .isEqualTo(-1);
                    }
                }
            } finally {
                qemu.destroyForcibly().waitFor();
            }
        }
    }

    @Test
    void shouldMoveAGuestOnHugePages() throws Exception {
        try (HugeTlbFs a = new HugeTlbFs();
                HugeTlbFs b = new HugeTlbFs();
                Lab lab = new Lab(a.configuration(), b.configuration())) {
            VerifyingGuest guest = lab.runOnA(
                    "backing = \"shared\"\n"
                            + VerifyingGuest.toml(
                                    "v1", "tcg", "64MiB", 1, "rate=500 write=20 pattern=random fill=50", ""),
                    "v1");
            assertThat(a.files()).hasSize(1);
            Migration moved = lab.a.follow(lab.a.start("v1", lab.b, SHORT).getId());
            assertThat(moved.getState()).as(moved.getError()).isEqualTo(MigrationState.COMPLETED);
            assertThat(a.files()).isEmpty();
            assertThat(b.files()).hasSize(1);
            guest.movedTo(lab.b);
            guest.awaitTick();
            guest.verify();
            guest.reset();
            guest.verify();
        }
    }

    @Test
    void shouldRefuseAHostWhosePagesHaveAnotherSize() throws Exception {
        try (HugeTlbFs a = new HugeTlbFs();
                Lab lab = new Lab(a.configuration(), "")) {
            lab.runOnA(
                    "backing = \"shared\"\n" + VerifyingGuest.toml("v1", "tcg", "64MiB", 1, "rate=500 fill=50", ""),
                    "v1");
            assertThatThrownBy(() -> lab.a.start("v1", lab.b, SHORT))
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessageContaining("RAM_PAGE_SIZE");
        }
    }

    @ParameterizedTest
    @CsvSource({"tcg, 1GiB, 1, rate=20000 write=20 pattern=random", "kvm, 256MiB, 1, rate=500 write=20 pattern=random"})
    void shouldBeAwayForLessThanFiftyMilliseconds(String accel, String memory, int cpus, String load) throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(VerifyingGuest.toml("v1", accel, memory, cpus, load, ""), "v1");
            List<Double> downtimes = new ArrayList<>();
            long remoteFaults = 0;
            Ferryd from = lab.a;
            Ferryd to = lab.b;
            for (int i = 0; i < 5; i++) {
                Migration m = lab.move(guest, from, to, SHORT);
                downtimes.add(m.getDowntimeMs());
                remoteFaults += m.getPostcopy().getRemoteFaults();
                double sum = m.getDowntimePhasesList().stream()
                        .mapToDouble(Phase::getMs)
                        .sum();
                assertThat(sum).isCloseTo(m.getDowntimeMs(), org.assertj.core.data.Offset.offset(0.01));
                guest.awaitTick();
                Ferryd t = from;
                from = to;
                to = t;
            }
            guest.verify();
            guest.verifyFromOutside();
            System.err.println(
                    "downtime " + accel + " " + memory + ": " + downtimes + " ms, remote faults " + remoteFaults);
            assertThat(downtimes.stream().sorted().toList().get(2))
                    .as("median of " + downtimes)
                    .isLessThan(50);
            assertThat(remoteFaults).as("faults served over the network").isPositive();
        }
    }

    @Test
    void shouldMoveTwentyTimesWithoutAWrongByteOrAnythingLeftBehind() throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(
                    VerifyingGuest.toml("v1", "tcg", "128MiB", 2, "rate=10000 write=40 pattern=hot zero=10", ""), "v1");
            int mapsBefore = descriptors(lab.a) + descriptors(lab.b);
            Ferryd from = lab.a;
            Ferryd to = lab.b;
            for (int i = 0; i < 20; i++) {
                lab.move(guest, from, to, SHORT);
                guest.verify();
                guest.verifyFromOutside();
                Ferryd t = from;
                from = to;
                to = t;
            }
            // Event loops and connections of the last move may take a moment to go.
            Await.until(
                    "descriptors of the daemons are back to " + mapsBefore,
                    () -> descriptors(lab.a) + descriptors(lab.b) <= mapsBefore + 6);
        }
    }

    @Test
    void shouldMoveAGuestWithTwoNodesAndFourVcpus() throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(
                    VerifyingGuest.toml(
                            "v1",
                            "tcg",
                            "",
                            4,
                            "rate=3000 write=20 pattern=random",
                            "[[node]]\nmemory = \"128MiB\"\ncpus = \"0-1\"\n[[node]]\nmemory = \"128MiB\"\ncpus = \"2-3\""),
                    "v1");
            assertThat(lab
                            .a
                            .guests()
                            .show(dev.ferry.v1.ShowGuestRequest.newBuilder()
                                    .setName("v1")
                                    .build())
                            .getBlocksList()
                            .stream()
                            .filter(dev.ferry.v1.Block::getGuestRam)
                            .count())
                    .isEqualTo(2);
            lab.move(guest, lab.a, lab.b, SHORT);
            guest.awaitTick();
            guest.verify();
            guest.verifyFromOutside();
            lab.move(
                    guest, lab.b, lab.a, Policy.newBuilder().setPrecopyRounds(0).build());
            guest.awaitTick();
            guest.verify();
            guest.verifyFromOutside();
        }
    }

    private static int descriptors(Ferryd host) {
        String[] fds = new java.io.File("/proc/" + host.pid() + "/fd").list();
        return fds == null ? 0 : fds.length;
    }
}
