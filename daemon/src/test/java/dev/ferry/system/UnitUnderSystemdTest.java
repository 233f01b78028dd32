package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** systemd/ferryd.service under a systemd that enforces all of it, on two machines. */
@Tag("machine")
class UnitUnderSystemdTest {
    private static UnitHost a;
    private static UnitHost b;

    @BeforeAll
    static void boot() throws Exception {
        a = UnitHost.boot("ferry-u1", "10.77.0.1");
        b = UnitHost.boot("ferry-u2", "10.77.0.2");
        Machine.join(a.machine, b.machine);
        a.machine.sh("systemctl start ferryd");
        b.machine.sh("systemctl start ferryd");
    }

    @AfterAll
    static void end() throws Exception {
        try (UnitHost first = a;
                UnitHost second = b) {
            assertThat(first).isNotSameAs(second);
        }
    }

    private static String pid(UnitHost host, String guest) throws Exception {
        return host.read("/run/ferry/guests/" + guest + "/started").strip();
    }

    @Test
    void shouldStartEachGuestInAUnitOfItsOwnWithNothingOfTheDaemons() throws Exception {
        // Every kind of character that a name may have, and what systemd or a shell would replace.
        String name = "v.1_A-b";
        a.writeGuest(name, ", \"-fw_cfg\", \"name=opt/x,string=$HOME %n \\\"'\\\\ $${x}\"");
        a.ferry("guest", "run", "/srv/" + name + ".toml");
        String pid = pid(a, name);
        assertThat(a.guestUnits()).hasSize(1);
        String unit = a.guestUnits().get(0);
        assertThat(unit).startsWith("ferry-guest-" + name + "-").endsWith(".service");
        assertThat(a.machine
                        .sh("systemctl show --property=MainPID --value " + unit)
                        .strip())
                .isEqualTo(pid);
        assertThat(a.machine.sh("cat /proc/" + pid + "/cgroup")).contains("/ferry.slice/ferry-guests.slice/" + unit);
        assertThat(a.machine.sh("tr '\\0' '\\n' </proc/" + pid + "/cmdline"))
                .contains("name=opt/x,string=$HOME %n \"'\\ ${x}\n");

        String daemon = a.property("MainPID");
        assertThat(a.status(daemon, "NoNewPrivs", "Seccomp")).isEqualTo("NoNewPrivs:\t1\nSeccomp:\t2");
        assertThat(a.status(pid, "CapPrm", "CapEff", "CapBnd", "NoNewPrivs"))
                .isEqualTo("CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
                        + "NoNewPrivs:\t0");
        // As systemd itself has them there, from whatever made this machine.
        assertThat(a.status(pid, "Seccomp_filters")).isEqualTo(a.status("1", "Seccomp_filters"));
        assertThat(a.machine.sh("stat -c %U /proc/" + pid).strip()).isEqualTo("vmm");
        assertThat(a.machine.sh("cat /proc/" + pid + "/oom_score_adj").strip()).isEqualTo("0");

        a.machine.sh("systemctl stop ferryd");
        assertThat(a.machine.sh("cat /proc/" + pid + "/comm")).startsWith("qemu-system");
        a.machine.sh("systemctl start ferryd");
        assertThat(a.log()).doesNotContain("left-over process");
        assertThat(a.ferry("guest", "list")).contains(name).contains("RUNNING");

        a.machine.sh("kill -KILL " + pid);
        Await.until("nothing of it is left", () -> a.guestUnits().isEmpty());
        a.ferry("guest", "detach", name);
    }

    @Test
    void shouldSayWhatAQemuSaidThatEndedAtOnce() throws Exception {
        a.writeGuest("bad", ", \"-device\", \"no-such-device\"");
        Machine.Result refused = a.tryFerry("guest", "run", "/srv/bad.toml");
        assertThat(refused.exit()).isNotZero();
        assertThat(refused.text()).contains("ended at once").contains("no-such-device");
        assertThat(a.machine.sh("ls /run/ferry/guests")).doesNotContain("bad");
        Await.until("its unit is gone", () -> a.guestUnits().stream().noneMatch(u -> u.contains("-bad-")));
    }

    @Test
    void shouldReadItsConfigurationAgain() throws Exception {
        String daemon = b.property("MainPID");
        b.configure("DEBUG");
        b.machine.sh("systemctl reload ferryd");
        Await.until("it has", () -> b.property("StatusText").endsWith("again: log.level"));
        b.configure("LOUD");
        b.machine.sh("systemctl reload ferryd");
        Await.until("it has not", () -> b.property("StatusText").contains("stays as it is"));
        assertThat(b.property("StatusText")).contains("log.level").contains("LOUD");
        b.configure("INFO");
        b.machine.sh("systemctl reload ferryd");
        Await.until("it has", () -> b.property("StatusText").endsWith("again: log.level"));
        assertThat(b.property("ActiveState")).isEqualTo("active");
        assertThat(b.property("MainPID")).isEqualTo(daemon);
    }

    /** It is killed when it hangs, and is back: no timer of its own feeds the watchdog. */
    @Test
    void shouldBeStartedAgainWhenItHangs() throws Exception {
        b.write("/run/systemd/system/ferryd.service.d/watchdog.conf", "[Service]\nWatchdogSec=3\n");
        b.machine.sh("systemctl daemon-reload && systemctl restart ferryd");
        String daemon = b.property("MainPID");
        b.machine.sh("kill -STOP " + daemon);
        Await.until(
                "it is another",
                () -> !b.property("MainPID").matches("0|" + daemon)
                        && b.property("ActiveState").equals("active"));
        assertThat(b.log()).contains("Watchdog timeout");
        b.machine.sh("rm /run/systemd/system/ferryd.service.d/watchdog.conf"
                + " && systemctl daemon-reload && systemctl restart ferryd");
    }

    @Test
    void shouldOpenTheDevicesOfItsUnitOnly() throws Exception {
        // Open to everybody by its mode, and the device is there: what refuses is the unit.
        a.machine.sh("mknod -m 666 /srv/device c $(stat -c '0x%t 0x%T' /dev/userfaultfd)");
        a.machine.sh("setpriv --reuid=vmm --clear-groups sh -c '>/srv/device'");
        a.writeGuest("dev", ", \"-chardev\", \"serial,id=x,path=/srv/device\"");
        Machine.Result refused = a.tryFerry("guest", "run", "/srv/dev.toml");
        assertThat(refused.exit()).isNotZero();
        assertThat(refused.text()).contains("Could not open '/srv/device': Operation not permitted");
    }

    /** The QEMUs are another user's, and the destination's is started by the daemon there. */
    @Test
    void shouldMoveAGuestWhileBothDaemonsAreEndedAndStarted() throws Exception {
        a.writeGuest("v1", "");
        a.ferry("guest", "run", "/srv/v1.toml");
        String source = "/run/ferry/guests/v1/serial";
        Await.until("the guest is ready", () -> a.read(source).contains("READY"));
        String id = a.ferry("migrate", "v1", "--to", b.peer, "--precopy-rounds", "0", "--postcopy-bandwidth", "1MB")
                .strip();
        a.await(id, "in post-copy", m -> m.path("state").asText().equals("POSTCOPY"));
        assertThat(b.property("NFileDescriptorStore")).isEqualTo("1");
        b.machine.sh("systemctl restart ferryd");
        assertThat(b.property("NFileDescriptorStore")).isEqualTo("1");
        assertThat(b.log()).contains("had these descriptors kept: [uffd-" + id + ".in-");
        a.await(
                id,
                "goes on",
                m -> m.path("recoveries").asInt() > 0
                        && m.path("state").asText().equals("POSTCOPY"));
        a.machine.sh("kill -KILL " + a.property("MainPID"));
        Await.until(
                "systemd has started it again",
                () -> a.property("NRestarts").equals("1")
                        && a.property("ActiveState").equals("active"));
        a.await(id, "goes on", m -> m.path("state").asText().equals("POSTCOPY"));
        a.ferry("limit", id, "--postcopy-bandwidth", "none");
        JsonNode moved = a.await(
                id,
                "completed",
                m -> !m.path("state").asText().matches("PREPARING|PRECOPY|SWITCHOVER|POSTCOPY|RECOVERING"));
        assertThat(moved.path("state").asText()).as(moved + b.log()).isEqualTo("COMPLETED");
        b.verify("/run/ferry/guests/v1/monitor.sock", source);
        assertThat(b.read(source))
                .contains("VERIFY ok=1")
                .doesNotContain("BAD ")
                .doesNotContain("PANIC");
        Await.until(
                "nothing is kept of it",
                () -> b.property("NFileDescriptorStore").equals("0"));
        // The source's QEMU has ended, the destination's is a unit there.
        Await.until(
                "nothing is left at the source", () -> a.guestUnits().stream().noneMatch(u -> u.contains("-v1-")));
        assertThat(b.guestUnits()).anyMatch(u -> u.startsWith("ferry-guest-v1-"));
        b.machine.sh("kill -KILL " + pid(b, "v1"));
    }

    /** QEMUs of nobody's, started by somebody else: all that the daemons have is what their unit gives them. */
    @Test
    void shouldMoveAGuestThatAnotherUserHasStarted() throws Exception {
        startForeign(a, "");
        startForeign(
                b,
                "-object memory-backend-file,id=r,share=on,size=64M,mem-path=/srv/foreign/ram"
                        + " -machine memory-backend=r -S -incoming defer");
        a.ferry("guest", "attach", "foreign", "--qmp", "/srv/foreign/qmp.sock");
        b.ferry("guest", "attach", "foreign", "--qmp", "/srv/foreign/qmp.sock", "--incoming");
        Await.until("the guest is ready", () -> a.read("/srv/foreign/serial").contains("READY"));
        String id = a.ferry("migrate", "foreign", "--to", b.peer, "--precopy-rounds", "1")
                .strip();
        JsonNode moved = a.await(id, "has ended", m -> m.path("state").asText().matches("COMPLETED|FAILED|CANCELLED"));
        assertThat(moved.path("state").asText()).as(moved + b.log()).isEqualTo("COMPLETED");
        b.verify("/srv/foreign/test.sock", "/srv/foreign/serial");
        assertThat(b.read("/srv/foreign/serial"))
                .contains("VERIFY ok=1")
                .doesNotContain("BAD ")
                .doesNotContain("PANIC");
        b.machine.sh("systemctl stop foreign");
        Await.until(
                "nothing is kept of it",
                () -> b.property("NFileDescriptorStore").equals("0"));
    }

    private static void startForeign(UnitHost host, String more) throws Exception {
        host.machine.sh("install -d -o nobody -g nogroup /srv/foreign && systemd-run --quiet --collect --unit=foreign"
                + " --property=User=nobody --property=Group=nogroup --property=Type=exec"
                + " qemu-system-x86_64 -accel tcg -nodefaults -display none -m 64M -kernel " + UnitHost.ELF
                + " -append 'rate=2000 write=20 pattern=random' -serial file:/srv/foreign/serial"
                + " -qmp unix:/srv/foreign/qmp.sock,server=on,wait=off"
                + " -qmp unix:/srv/foreign/test.sock,server=on,wait=off " + more);
        Await.until("QEMU listens", () -> Files.exists(host.machine.file("/srv/foreign/test.sock")));
    }
}
