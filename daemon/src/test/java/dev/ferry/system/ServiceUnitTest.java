package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.AttachGuestRequest;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** systemd/ferryd.service: what systemd says of it, and that its capabilities are enough. */
@Tag("qemu")
class ServiceUnitTest {
    private static final Path REPOSITORY =
            Path.of(System.getProperty("user.dir")).getParent();
    private static final Path UNIT = REPOSITORY.resolve("systemd/ferryd.service");
    private static final String NOBODY = "65534";

    @TempDir
    private Path directory;

    /** @return what it printed */
    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(said).isZero();
        return said;
    }

    @Test
    void shouldBeAUnitThatSystemdUnderstands() throws Exception {
        // Its program is where it is in this tree, not where the package puts it.
        Path unit = directory.resolve("ferryd.service");
        Files.writeString(
                unit,
                Files.readString(UNIT)
                        .replace(
                                "/usr/lib/ferry/bin/ferryd",
                                REPOSITORY.resolve("bin/ferryd").toString()));
        assertThat(run("systemd-analyze", "verify", "--man=no", unit.toString()))
                .isEmpty();
    }

    @Test
    void shouldExposeLittle() throws Exception {
        // Fails by itself when it is more than 3.0.
        assertThat(run("systemd-analyze", "security", "--offline=true", "--threshold=30", UNIT.toString()))
                .contains("Overall exposure level for ferryd.service: ");
    }

    private static List<String> capabilities() throws IOException {
        String line = Files.readAllLines(UNIT).stream()
                .filter(l -> l.startsWith("CapabilityBoundingSet="))
                .collect(Collectors.joining());
        return Arrays.stream(line.substring(line.indexOf('=') + 1).split(" "))
                .map(c -> c.substring("CAP_".length()).toLowerCase(java.util.Locale.ROOT))
                .toList();
    }

    private static Ferryd.Place confined() throws IOException {
        String set = "-all" + capabilities().stream().map(c -> ",+" + c).collect(Collectors.joining());
        return new Ferryd.Place(
                List.of("setpriv", "--bounding-set=" + set, "--inh-caps=-all", "--no-new-privs"),
                "127.0.0.1",
                Map.of());
    }

    /** A QEMU of somebody who may do nothing, with a socket for ferryd and one for the test. */
    private static Process qemu(Path home, Path serial, String... more) throws IOException {
        List<String> command = new ArrayList<>(
                List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups", "--inh-caps=-all"));
        command.addAll(List.of("qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none"));
        command.addAll(List.of(
                "-kernel", REPOSITORY.resolve("target/guest/verify/verify.elf").toString()));
        command.addAll(List.of("-append", "rate=2000 write=20 pattern=random"));
        command.addAll(List.of("-chardev", "file,id=serial,append=on,path=" + serial, "-serial", "chardev:serial"));
        command.addAll(List.of("-qmp", "unix:" + home.resolve("qmp.sock") + ",server=on,wait=off"));
        command.addAll(List.of("-qmp", "unix:" + home.resolve("test.sock") + ",server=on,wait=off"));
        command.addAll(List.of(more));
        return new ProcessBuilder(command).inheritIO().start();
    }

    private static void give(Path path) throws Exception {
        run("chown", NOBODY + ":" + NOBODY, path.toString());
    }

    private static void attach(Ferryd host, Path home, boolean incoming) {
        Await.until("QEMU listens", () -> Files.exists(home.resolve("test.sock")));
        host.guests()
                .attach(AttachGuestRequest.newBuilder()
                        .setName("v1")
                        .setQmpSocket(home.resolve("qmp.sock").toString())
                        .setIncoming(incoming)
                        .build());
    }

    /** Both QEMUs are nobody's; the daemons are root with no capability but those of the unit. */
    @Test
    void shouldMoveAGuestOfAnotherUserWithItsCapabilitiesOnly() throws Exception {
        Path root = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-");
        run("chmod", "755", root.toString());
        Path here = Files.createDirectory(root.resolve("here"));
        Path there = Files.createDirectory(root.resolve("there"));
        give(here);
        give(there);
        Path serial = here.resolve("serial");
        String ram = "memory-backend-file,id=r,share=on,size=128M,mem-path=" + there.resolve("ram");
        try (Ferryd a = new Ferryd(root.resolve("a"), "", confined());
                Ferryd b = new Ferryd(root.resolve("b"), "", confined())) {
            a.awaitReady();
            b.awaitReady();
            for (Ferryd host : List.of(a, b)) {
                // What this machine keeps from everybody cannot be given to them either.
                assertThat(capabilityNames(effective(host.pid())))
                        .isSubsetOf(capabilities())
                        .containsAll(capabilityNames(
                                        effective(ProcessHandle.current().pid()))
                                .stream()
                                .filter(capabilities()::contains)
                                .toList());
            }
            Process source = qemu(here, serial, "-m", "128M");
            try {
                Process destination = qemu(
                        there,
                        serial,
                        "-m",
                        "128M",
                        "-object",
                        ram,
                        "-machine",
                        "memory-backend=r",
                        "-S",
                        "-incoming",
                        "defer");
                try {
                    attach(a, here, false);
                    attach(b, there, true);
                    Await.until("the guest is ready", () -> says(serial, "READY"));
                    Migration moved = a.follow(a.start(
                                    "v1",
                                    b,
                                    Policy.newBuilder().setPrecopyRounds(1).build())
                            .getId());
                    assertThat(moved.getState())
                            .as(moved.getError() + "\n" + a.log() + "\n" + b.log())
                            .isEqualTo(MigrationState.COMPLETED);
                    try (Qmp qmp = new Qmp(there.resolve("test.sock"))) {
                        qmp.key('v');
                    }
                    Await.until("the guest has verified itself", () -> says(serial, "VERIFY ok="));
                    assertThat(Files.readString(serial))
                            .contains("VERIFY ok=1")
                            .doesNotContain("BAD ")
                            .doesNotContain("PANIC");
                    assertThat(moved.getPostcopy().getRemoteFaults())
                            .as("pages were missing when it came")
                            .isPositive();
                } finally {
                    destination.destroyForcibly().waitFor();
                }
            } finally {
                source.destroyForcibly().waitFor();
            }
        } finally {
            run("rm", "-rf", root.toString());
        }
    }

    private static boolean says(Path serial, String text) throws IOException {
        return Files.exists(serial) && Files.readString(serial).contains(text);
    }

    private static long effective(long pid) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(l -> l.startsWith("CapEff:"))
                .mapToLong(l ->
                        Long.parseUnsignedLong(l.substring("CapEff:".length()).strip(), 16))
                .findFirst()
                .orElseThrow();
    }

    /** linux/capability.h. */
    private static List<String> capabilityNames(long mask) {
        Map<Integer, String> names = Map.of(
                1, "dac_override",
                5, "kill",
                14, "ipc_lock",
                19, "sys_ptrace",
                23, "sys_nice",
                24, "sys_resource",
                40, "checkpoint_restore");
        return IntStream.range(0, Long.SIZE)
                .filter(bit -> ((mask >>> bit) & 1) == 1)
                .mapToObj(bit -> names.getOrDefault(bit, "capability " + bit))
                .toList();
    }
}
