package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What tests under a real systemd rely on. */
@Tag("machine")
class MachineTest {
    /** What a machine could leave behind: control groups, directories, mounts, processes with all that is theirs. */
    private static List<String> traces() throws IOException {
        Process seen = new ProcessBuilder("sh", "-c", """
                        find /sys/fs/cgroup /dev/shm -name '*ferry-test-machine*'
                        find /run/systemd/nspawn -name '*ferry-m*'
                        grep ferry-test-machine /proc/mounts
                        pgrep -fa 'systemd-nspawn.*--machine=[f]erry-m'""").start();
        try (Stream<String> lines = seen.inputReader().lines()) {
            return lines.sorted().toList();
        }
    }

    @Test
    void shouldBootTwoMachinesThatReachEachOtherAndLeaveNothing() throws Exception {
        List<String> before = traces();
        try (Machine a = Machine.start("ferry-m1");
                Machine b = Machine.start("ferry-m2")) {
            Machine.join(a, b);
            assertThat(a.sh("hostname")).isEqualTo("ferry-m1\n");
            assertThat(a.sh("ping -c 1 -W 5 ferry-m2")).contains("1 received");
            assertThat(b.sh("ping -c 1 -W 5 ferry-m1")).contains("1 received");
            assertThat(a.run("sh", "-c", "echo this; exit 3")).isEqualTo(new Machine.Result(3, "this\n"));
            // Their services are their own: what one stops goes on on the other.
            a.sh("systemctl stop dbus.socket dbus.service");
            assertThat(b.sh("systemctl is-active dbus.socket")).isEqualTo("active\n");
            Path file = Files.writeString(Files.createTempFile("ferry-test-", ""), "hello");
            try {
                a.copyIn(file, "/srv/new/file");
                assertThat(a.sh("cat /srv/new/file")).isEqualTo("hello");
                assertThat(b.run("cat", "/srv/new/file").exit()).isNotZero();
            } finally {
                Files.delete(file);
            }
            a.sh("test -w /dev/kvm && test -w /dev/userfaultfd");
        }
        assertThat(traces()).isEqualTo(before);
    }

    @Test
    void shouldLeaveNothingWhenItDoesNotBoot() throws Exception {
        List<String> before = traces();
        assertThatThrownBy(() -> Machine.start("ferry-m3", Path.of("/there/is/no/such/file")))
                .hasStackTraceContaining("/there/is/no/such/file");
        assertThat(traces()).isEqualTo(before);
    }
}
