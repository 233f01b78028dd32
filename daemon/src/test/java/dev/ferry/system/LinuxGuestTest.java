package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Policy;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A Linux guest with a disk that both hosts see, and a network device, at work while it moves: its files are right, its log is
 * clean, its TCP connection stays open over a bridge with a tap for each host.
 */
@Tag("qemu")
class LinuxGuestTest {
    static final Path REPOSITORY = Path.of(System.getProperty("user.dir")).getParent();
    static final String HOST_IP = "192.168.77.1";
    static final String GUEST_IP = "192.168.77.2";
    private static final int PORT = 7000;

    static String script(String name, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(REPOSITORY.resolve("guest/linux").resolve(name).toString()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return output;
    }

    private static String toml(Path disk, String cache) {
        Path guest = REPOSITORY.resolve("target/guest/linux");
        return """
                name = "linux"
                accel = "tcg"
                smp = 2
                memory = "512MiB"
                args = ["-nodefaults", "-display", "none", "-no-user-config",
                  "-kernel", "%1$s/vmlinuz", "-initrd", "%1$s/initramfs.cpio.gz",
                  "-append", "console=ttyS0 quiet ferry.ip=%2$s/24 ferry.tcp=%3$s:%4$d",
                  "-chardev", "file,id=serial,path=${guest_dir}/serial,append=on", "-serial", "chardev:serial",
                  "-drive", "file=%5$s,format=qcow2,if=none,id=disk0,cache=%6$s", "-device", "virtio-blk-pci,drive=disk0",
                  "-netdev", "tap,id=net0,ifname=${tap},script=no,downscript=no",
                  "-device", "virtio-net-pci,netdev=net0,mac=52:54:00:00:77:02", "-device", "virtio-rng-pci"]
                """.formatted(guest, GUEST_IP, HOST_IP, PORT, disk, cache);
    }

    /** Through the page cache, and past it, where DMA writes behind the page tables. */
    @ParameterizedTest
    @ValueSource(strings = {"writeback", "none"})
    void shouldGoOnWorkingWhileItMovesThereAndBack(String cache) throws Exception {
        Path work = Files.createTempDirectory("ferry-test-linux-");
        Path disk = work.resolve("disk.qcow2");
        Path lines = work.resolve("lines");
        Process listener = null;
        try (Lab lab =
                new Lab("[guests.values]\ntap = \"ferrytest-src\"\n", "[guests.values]\ntap = \"ferrytest-dst\"\n")) {
            assertThat(new ProcessBuilder("qemu-img", "create", "-q", "-f", "qcow2", disk.toString(), "256M")
                            .start()
                            .waitFor())
                    .isZero();
            assertThat(script("net.sh", "up", "ferrytest", HOST_IP + "/24")).isEmpty();
            listener = new ProcessBuilder(
                            REPOSITORY.resolve("guest/linux/tcp.sh").toString(),
                            "listen",
                            HOST_IP,
                            Integer.toString(PORT),
                            lines.toString())
                    .start();
            lab.a.run(toml(disk, cache));
            VerifyingGuest guest = new VerifyingGuest("linux", lab.a);
            Await.until("Linux is ready", () -> guest.serial().contains("LINUX READY"));
            Await.until("Linux works", () -> guest.serial().contains("LINUX TICK n=3 "));
            assertGuestIsRight(lines);
            Ferryd from = lab.a;
            Ferryd to = lab.b;
            for (int i = 0; i < 2; i++) {
                lab.move(guest, from, to, Policy.getDefaultInstance());
                Await.until(
                        "Linux works on",
                        () -> guest.serial()
                                        .lines()
                                        .filter(l -> l.contains("LINUX TICK"))
                                        .count()
                                >= 3);
                assertThat(guest.serial())
                        .doesNotContain("LINUX BAD")
                        .doesNotContain("LINUX FAIL")
                        .doesNotContain("BROKEN");
                assertGuestIsRight(lines);
                Ferryd t = from;
                from = to;
                to = t;
            }
        } finally {
            if (listener != null) {
                listener.descendants().forEach(ProcessHandle::destroyForcibly);
                listener.destroyForcibly().waitFor();
            }
            script("net.sh", "down", "ferrytest");
            Guests.removeTree(work);
        }
    }

    private static void assertGuestIsRight(Path lines) throws Exception {
        assertThat(script("ask.sh", GUEST_IP, "verify")).contains("VERIFY ok ");
        assertThat(script("ask.sh", GUEST_IP, "trouble")).contains("TROUBLE n=0");
        assertThat(script("tcp.sh", "report", lines.toString()))
                .contains("TCP ok")
                .contains("gaps=0");
    }
}
