package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.GetReportRequest;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is in a guest's pages stays there: nothing of it is in logs, records, journals, dumps. */
@Tag("qemu")
class PageDataTest {
    private static final PageDataScanner SCANNER = new PageDataScanner();

    private static List<Path> withPageData(Path root) throws IOException {
        List<Path> found = new ArrayList<>();
        try (Stream<Path> all = Files.walk(root)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                if (SCANNER.hasPageData(file)) {
                    found.add(file);
                }
            }
        }
        return found;
    }

    /** A page as the guest writes it, from its content on. */
    private static byte[] page() {
        ByteBuffer page = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < VerifyFormat.PAGE_WORDS; i++) {
            page.putInt(VerifyFormat.word(12_345, 7, 0, i));
        }
        return page.array();
    }

    @Test
    void shouldFindPageDataHoweverItIsWritten(@TempDir Path directory) throws IOException {
        byte[] some = new byte[24];
        System.arraycopy(page(), 1021, some, 0, some.length);
        Files.write(directory.resolve("raw"), some);
        Files.writeString(
                directory.resolve("hex"),
                "page data " + HexFormat.ofDelimiter(" ").formatHex(some));
        StringBuilder escaped = new StringBuilder("data: \"");
        for (byte b : some) {
            escaped.append(String.format("\\%03o", b & 0xff));
        }
        Files.writeString(directory.resolve("escaped"), escaped);
        Files.writeString(directory.resolve("nothing"), "0123456789abcdef0123456789abcdef".repeat(99) + "\\777");
        assertThat(withPageData(directory))
                .extracting(p -> p.getFileName().toString())
                .containsExactlyInAnyOrder("raw", "hex", "escaped");
    }

    /** One that is undone and one that arrives, with a log that says everything. */
    @Test
    void shouldLeaveNothingOfAGuestsPagesInAnyFile() throws Exception {
        try (Lab lab = new Lab("[log]\nlevel = \"trace\"\n")) {
            VerifyingGuest guest = lab.runOnA(
                    VerifyingGuest.toml("v1", "tcg", "256MiB", 1, "rate=5000 write=20 pattern=random", ""), "v1");
            Policy slow = Policy.newBuilder()
                    .setBandwidthBytesPerSecond(64 << 20)
                    .setPostcopyBandwidthBytesPerSecond(64 << 20)
                    .build();
            String undone = lab.a.start("v1", lab.b, slow).getId();
            lab.a.awaitState(undone, MigrationState.PRECOPY);
            Await.until("pages arrive", () -> lab.a.get(undone).getPrecopy().getPages() > 1000);
            assertThat(lab.b.ramFiles()).isNotEmpty().allSatisfy(file -> {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                        .isEqualTo("rw-------");
                assertThat(SCANNER.hasPageData(file))
                        .as("it is where it belongs")
                        .isTrue();
            });
            lab.a.cancel(undone);
            Migration moved = lab.move(guest, lab.a, lab.b, slow);
            for (Ferryd host : List.of(lab.a, lab.b)) {
                host.migrations()
                        .getReport(GetReportRequest.newBuilder()
                                .setId(moved.getId())
                                .build());
                assertThat(host.log()).contains(" DEBUG ");
            }
            assertThat(withPageData(lab.root)).isEqualTo(lab.b.ramFiles());
        }
    }

    private static String bash(String script, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("bash", "-c", script, "bash"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return said;
    }

    /** Crashes where a core file may be as large as it likes. */
    @Test
    void shouldLeaveNoCoreFile(@TempDir Path directory) throws Exception {
        String crash = "cd \"$1\" && ulimit -c unlimited && shift && { \"$@\" & } && ";
        assertThat(bash(crash + "kill -SEGV $!; wait $!", directory.toString(), "sleep", "60"))
                .as("others leave one")
                .contains("core dumped");
        Ferryd.Place place = new Ferryd.Place(
                List.of("bash", "-c", "cd \"$0\" && ulimit -c unlimited && exec \"$@\"", directory.toString()),
                "127.0.0.1",
                java.util.Map.of());
        Path home = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-");
        try (Stream<Path> before = Files.list(directory);
                Ferryd ferryd = new Ferryd(home, "", place)) {
            List<Path> others = before.toList();
            ferryd.awaitReady();
            assertThat(bash("kill -SEGV $1", Long.toString(ferryd.pid()))).isEmpty();
            ferryd.awaitDeath();
            assertThat(ferryd.log()).as("it did crash").contains("SIGSEGV");
            try (Stream<Path> after = Files.list(directory)) {
                assertThat(after.toList()).containsExactlyInAnyOrderElementsOf(others);
            }
        } finally {
            Guests.removeTree(home);
        }
    }

    @Test
    void shouldRefuseAHeapDump(@TempDir Path directory) throws Exception {
        Path home = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-");
        Path dump = directory.resolve("dump");
        try (Ferryd ferryd = new Ferryd(home, "")) {
            ferryd.awaitReady();
            String here = Long.toString(ProcessHandle.current().pid());
            assertThat(bash("jcmd $1 VM.version", here))
                    .as("others can be asked")
                    .contains("JDK");
            String said = bash("jcmd $1 GC.heap_dump $2", Long.toString(ferryd.pid()), dump.toString());
            assertThat(said).contains("Exception");
            assertThat(dump).doesNotExist();
            assertThat(ferryd.isAlive()).isTrue();
        } finally {
            Guests.removeTree(home);
        }
    }
}
