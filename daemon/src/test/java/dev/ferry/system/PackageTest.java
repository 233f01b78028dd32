package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The Debian package, on a bare machine: what it brings, what it leaves, and that it never costs a guest. */
@Tag("machine")
class PackageTest {
    private static final Path REPOSITORY =
            Path.of(System.getProperty("user.dir")).getParent();
    private static final Path VERIFY = REPOSITORY.resolve("target/guest/verify/verify.elf");

    /** A second daemon on the same machine: the other host of a move. */
    private static final String OTHER = """
            state_dir = "/root/other/state"
            runtime_dir = "/run/other"
            name = "other"
            [peer]
            listen = "127.0.0.1:7421"
            [guests]
            ram_dir = "/dev/shm"
            """;

    @Test
    void shouldBeTheSameBytesEachTimeAndCleanForLintian() throws Exception {
        Path deb = DebianPackage.build(Optional.empty());
        Path first = Files.move(deb, deb.resolveSibling("first.deb"), StandardCopyOption.REPLACE_EXISTING);
        try {
            assertThat(Files.mismatch(first, DebianPackage.build(Optional.empty())))
                    .isEqualTo(-1);
        } finally {
            Files.delete(first);
        }
        assertThat(DebianPackage.run(new ProcessBuilder(
                        "lintian",
                        "--allow-root",
                        "--fail-on",
                        "error,warning",
                        "--tag-display-limit",
                        "0",
                        deb.toString())))
                .doesNotContain("E: ")
                .doesNotContain("W: ");
    }

    @Test
    void shouldComeWorkAndGoWithoutATraceAndWithoutAGuest() throws Exception {
        Path deb = DebianPackage.build(Optional.empty());
        Path newer = DebianPackage.build(Optional.of(System.currentTimeMillis() / 1000));
        try (Machine machine = Machine.start("ferry-p", VERIFY)) {
            machine.copyIn(deb, "/root/ferry.deb");
            machine.copyIn(newer, "/root/newer.deb");
            machine.sh("apt-get install -y adduser openjdk-17-jre-headless man-db bash-completion zsh");
            machine.sh("apt-get install -y --no-install-recommends qemu-system-x86");
            Set<String> before = files(machine);
            itIsInstalled(machine);
            itIsDocumentedAndCompletes(machine);
            itRuns(machine);
            itIsNotRemovedWhileAGuestNeedsIt(machine);
            itGoesAndGuestsRunOn(machine);
            assertThat(files(machine)).isEqualTo(before);
        } finally {
            Files.delete(newer);
        }
    }

    /** Of the disk and of /run, but for logs, caches and lists that others keep. */
    private static Set<String> files(Machine machine) throws Exception {
        return machine.sh("""
                        find / /run -xdev -not -path '/proc*' -not -path '/sys*' -not -path '/dev*' -not -path '/tmp*' \\
                          -not -path '/var/tmp*' -not -path '/root*' -not -path '/var/log*' -not -path '/run/systemd*' \\
                          -not -path '/run/user*' -not -path '/run/log*' -not -path '/var/cache/man*' \\
                          -not -path '/var/cache/ldconfig*' -not -path '/var/cache/apt*' -not -path '/var/lib/apt/*' \\
                          -not -path '/var/lib/systemd/*' -not -path '/var/cache/debconf*' -not -path '/var/lib/dpkg/*-old' \\
                          -not -path '/etc/*-' -not -path '/run/*.lock' -not -path '/run/host*'""").lines().collect(Collectors.toCollection(TreeSet::new));
    }

    private static void itIsInstalled(Machine machine) throws Exception {
        assertThat(machine.sh("cd; apt install -y ./ferry.deb")).contains("ferryd is not started yet");
        assertThat(machine.run("systemctl", "is-active", "ferryd").text()).isEqualTo("inactive\n");
        assertThat(machine.run("systemctl", "is-enabled", "ferryd").text()).isEqualTo("disabled\n");
        assertThat(machine.sh("systemctl is-system-running")).isEqualTo("running\n");
        assertThat(machine.sh("getent group ferry")).startsWith("ferry:");
        assertThat(machine.sh("stat -c %a /etc/ferry/tls")).isEqualTo("700\n");
        assertThat(machine.sh("ferry --version")).matches("ferry \\d+\\.\\d+\\.\\d+.*\n");
        assertThat(machine.sh("ferryd --version")).matches("ferryd \\d+\\.\\d+\\.\\d+.*\n");
        assertThat(machine.sh("dpkg --verify ferry")).isEmpty();
        // -Xshare:on: it does not start without them.
        for (String archive : List.of("ferry", "ferryd")) {
            machine.sh(
                    "java -XX:SharedArchiveFile=/var/cache/ferry/" + archive + ".jsa -Xshare:on -XX:+UseSerialGC -cp "
                            + "/usr/share/ferry/ferry-" + (archive.equals("ferry") ? "client" : "daemon")
                            + ".jar -version");
        }
    }

    private static void itIsDocumentedAndCompletes(Machine machine) throws Exception {
        for (String page : List.of("1 ferry", "8 ferryd", "5 ferryd.toml")) {
            assertThat(machine.sh("man -w " + page)).contains("/usr/share/man/");
            assertThat(machine.sh("man --warnings -Tutf8 -Z " + page + " 2>&1 >/dev/null"))
                    .as(page)
                    .isEmpty();
        }
        assertThat(machine.sh("""
                        source /usr/share/bash-completion/bash_completion
                        _completion_loader ferry || true
                        COMP_LINE='ferry migr' COMP_POINT=10
                        _ferry
                        echo "${COMPREPLY[@]}\"""")).isEqualTo("migrate\n");
        // Someone types in a zsh, and looks.
        assertThat(machine.run("zsh", "-f", "-c", """
                        zmodload zsh/zpty
                        zpty shell 'PS1= TERM=dumb zsh -f -i'
                        zpty -w shell 'autoload -U compinit; compinit -u; echo re""ady'
                        zpty -r -m shell line '*ready*'
                        zpty -w -n shell $'ferry migr\\t'
                        zpty -r -m shell line '*ferry migrate*'
                        zpty -d shell
                        echo "it says: $line\"""").text()).contains("ferry migrate");
    }

    private static void itRuns(Machine machine) throws Exception {
        machine.sh("cd; ferry tls init ferry-p,127.0.0.1 && cp ferry-tls/ferry-p/* /etc/ferry/tls/");
        machine.sh("systemctl enable --now ferryd");
        assertThat(machine.sh("ferry status")).contains("ferry-p").contains("mutual");
        isFaster(machine, 2000, "systemctl restart ferryd");
        // 0.46 s on a machine that has nothing else to do.
        isFaster(machine, 750, "ferry list");
        machine.sh("useradd -G ferry mover && useradd stranger");
        machine.sh("setpriv --reuid mover --regid mover --init-groups ferry list");
        assertThat(machine.run(
                                "setpriv",
                                "--reuid",
                                "stranger",
                                "--regid",
                                "stranger",
                                "--init-groups",
                                "ferry",
                                "list")
                        .text())
                .containsIgnoringCase("permission denied");
        machine.sh("userdel mover && userdel stranger");
    }

    /** It is tried for a while: what others do on this machine at the same time is not measured. */
    private static void isFaster(Machine machine, long limitMs, String command) {
        Await.until(command + " takes less than " + limitMs + " ms", () -> {
            String ms = machine.sh(
                    "a=$(date +%s%N); " + command + " >/dev/null; b=$(date +%s%N); echo $(((b - a) / 1000000))");
            return Long.parseLong(ms.strip()) < limitMs;
        });
    }

    private static void itIsNotRemovedWhileAGuestNeedsIt(Machine machine) throws Exception {
        Files.writeString(machine.file("/root/other.toml"), OTHER);
        machine.sh("systemd-run --unit other -p KillMode=process /usr/sbin/ferryd --config /root/other.toml");
        Await.until(
                "the other daemon",
                () -> machine.run("ferry", "--endpoint", "unix:/run/other/control.sock", "status")
                                .exit()
                        == 0);
        VerifyingGuest guest = run(machine, "needy");
        int pid = guest.pid();

        String id = machine.sh(
                        "ferry migrate needy --to 127.0.0.1:7421 --bandwidth 1MB --postcopy-bandwidth 50kB -o json"
                                + " | sed -n 's/.*\"id\": *\"\\([^\"]*\\)\".*/\\1/p'")
                .strip();
        awaitState(machine, id, "PRECOPY");
        refusesToGo(machine, id);
        assertThat(machine.sh("systemctl is-active ferryd")).isEqualTo("active\n");

        machine.sh("ferry postcopy " + id);
        awaitState(machine, id, "POSTCOPY");
        refusesToGo(machine, id);
        machine.sh("systemctl stop ferryd");
        refusesToGo(machine, id);
        assertThat(guest.pid()).as("the source's QEMU holds its pages").isEqualTo(pid);

        // An upgrade, as it is: the daemon is another one afterwards, and the move goes on.
        machine.sh("systemctl start ferryd");
        String daemon = machine.sh("systemctl show -p MainPID --value ferryd");
        machine.sh("cd; apt-get install -y ./newer.deb");
        assertThat(machine.sh("systemctl is-active ferryd && systemctl is-enabled ferryd"))
                .isEqualTo("active\nenabled\n");
        assertThat(machine.sh("systemctl show -p MainPID --value ferryd")).isNotEqualTo(daemon);
        machine.sh("ferry limit " + id + " --postcopy-bandwidth none");
        awaitState(machine, id, "COMPLETED");
        guest.movedTo(machine.file("/run/other/guests/needy"));
        guest.awaitTick();
        guest.verify();
    }

    private static void refusesToGo(Machine machine, String id) throws Exception {
        Machine.Result removal = machine.run("apt-get", "remove", "-y", "ferry");
        assertThat(removal.exit()).as(removal.text()).isNotZero();
        assertThat(removal.text())
                .contains("cannot be removed")
                .contains("migration " + id + ": guest needy")
                .contains("ferry list");
        assertThat(machine.sh("dpkg-query -W -f '${Status}' ferry")).isEqualTo("install ok installed");
    }

    private static void awaitState(Machine machine, String id, String state) {
        ObjectMapper json = new ObjectMapper();
        Await.until(id + " is " + state, () -> {
            JsonNode now = json.readTree(machine.sh("ferry -o json show " + id));
            assertThat(now.get("state").asText()).as(now.toString()).isNotEqualTo("FAILED");
            return now.get("state").asText().equals(state);
        });
    }

    private static void itGoesAndGuestsRunOn(Machine machine) throws Exception {
        machine.sh("systemctl stop other && kill -9 $(cat /run/other/guests/needy/pid) && rm -rf /run/other");
        VerifyingGuest guest = run(machine, "plain");
        machine.sh("apt-get remove -y ferry");
        assertThat(machine.run("systemctl", "is-active", "ferryd").text()).isEqualTo("inactive\n");
        guest.awaitTick();
        guest.verify();

        Machine.Result purge = machine.run("apt-get", "purge", "-y", "ferry");
        assertThat(purge.exit()).as(purge.text()).isNotZero();
        assertThat(purge.text()).contains("cannot be purged").contains("guest plain");
        guest.awaitTick();
        // Whoever installs it again has it again.
        machine.sh("cd; apt-get install -y ./newer.deb && systemctl start ferryd");
        assertThat(machine.sh("ferry guest list")).containsPattern("plain +RUNNING");

        machine.sh("kill -9 " + guest.pid());
        machine.sh("apt-get purge -y ferry");
        assertThat(machine.run("getent", "group", "ferry").exit()).isNotZero();
        assertThat(machine.run("systemctl", "cat", "ferryd").exit()).isNotZero();
        assertThat(machine.sh("find /etc /usr /var /run -xdev -name '*ferry*'")).isEmpty();
    }

    private static VerifyingGuest run(Machine machine, String name) throws IOException, InterruptedException {
        Files.writeString(
                machine.file("/root/" + name + ".toml"),
                VerifyingGuest.toml(name, "tcg", "64MiB", 1, "rate=1000 write=20 pattern=random", ""));
        machine.sh("ferry guest run /root/" + name + ".toml");
        VerifyingGuest guest = new VerifyingGuest(name, machine.file("/run/ferry/guests/" + name));
        guest.awaitReady();
        return guest;
    }
}
