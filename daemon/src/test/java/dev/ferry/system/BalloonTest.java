package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A Linux guest whose memory goes and comes back while it moves: QEMU discards what its balloon takes and what it reports as free, before the
 * switch and after it. What the guest has there afterwards is what it wrote since.
 */
@Tag("qemu")
class BalloonTest {
    private static final String NAME = "linux";
    private static final long ALL = 512L << 20;
    private static final long FEW = 288L << 20;

    private static String toml(Path guest) {
        return """
                name = "linux"
                accel = "tcg"
                smp = 2
                memory = "512MiB"
                args = ["-nodefaults", "-display", "none", "-no-user-config",
                  "-kernel", "%1$s/vmlinuz", "-initrd", "%1$s/initramfs.cpio.gz",
                  "-append", "console=ttyS0 quiet ferry.ip=%2$s/24 ferry.ram=96 ferry.pause=0.02",
                  "-chardev", "file,id=serial,path=${guest_dir}/serial,append=on", "-serial", "chardev:serial",
                  "-netdev", "tap,id=net0,ifname=${tap},script=no,downscript=no",
                  "-device", "virtio-net-pci,netdev=net0,mac=52:54:00:00:77:02",
                  "-device", "virtio-balloon-pci,free-page-reporting=on"]
                """.formatted(guest, LinuxGuestTest.GUEST_IP);
    }

    @Test
    void shouldNeverBringBackWhatTheGuestHasGivenAway() throws Exception {
        try (Lab lab =
                new Lab("[guests.values]\ntap = \"ferrytest-src\"\n", "[guests.values]\ntap = \"ferrytest-dst\"\n")) {
            assertThat(LinuxGuestTest.script("net.sh", "up", "ferrytest", LinuxGuestTest.HOST_IP + "/24"))
                    .isEmpty();
            lab.a.run(toml(LinuxGuestTest.REPOSITORY.resolve("target/guest/linux")));
            VerifyingGuest guest = new VerifyingGuest(NAME, lab.a);
            Await.until("Linux works", () -> guest.serial().contains("LINUX TICK n=3 "));
            Policy slow = Policy.newBuilder()
                    .setPrecopyRounds(3)
                    .setBandwidthBytesPerSecond(48 << 20)
                    .setPostcopyBandwidthBytesPerSecond(4 << 20)
                    .build();
            String id = lab.a.start(NAME, lab.b, slow).getId();
            lab.a.awaitState(id, MigrationState.PRECOPY);
            balloon(lab.a, FEW);
            balloon(lab.a, ALL);
            lab.a.switchNow(id);
            lab.a.awaitState(id, MigrationState.POSTCOPY);
            balloon(lab.b, FEW);
            balloon(lab.b, ALL);
            assertThat(lab.a.get(id).getState()).as("the push is slow enough").isEqualTo(MigrationState.POSTCOPY);
            lab.a.limitPush(id, 0);
            Migration moved = lab.a.follow(id);
            assertThat(moved.getState()).as(moved.getError()).isEqualTo(MigrationState.COMPLETED);
            guest.movedTo(lab.b);
            assertThat(LinuxGuestTest.script("ask.sh", LinuxGuestTest.GUEST_IP, "verify"))
                    .contains("VERIFY ok ");
            assertThat(LinuxGuestTest.script("ask.sh", LinuxGuestTest.GUEST_IP, "trouble"))
                    .contains("TROUBLE n=0");
            assertThat(guest.serial()).doesNotContain("LINUX BAD").doesNotContain("LINUX FAIL");
        } finally {
            LinuxGuestTest.script("net.sh", "down", "ferrytest");
        }
    }

    /** Returns when the guest has given or taken what was asked for. */
    private static void balloon(Ferryd host, long bytes) throws IOException {
        try (Qmp qmp = new Qmp(host.guestDirectory(NAME).resolve("monitor.sock"))) {
            qmp.command("balloon", "{\"value\":" + bytes + "}");
            Await.until(
                    "the balloon leaves " + bytes + " bytes",
                    () -> qmp.command("query-balloon", "{}").get("actual").asLong() == bytes);
        }
    }
}
