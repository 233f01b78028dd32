package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Somebody with two bare machines and the README: what its section "Moving your first guest" says is done, word for word, and
 * nothing else. Before it there is only what it asks for: the package, the hosts' names, and ssh from one to the other.
 */
@Tag("machine")
class NewcomersTourTest {
    private static final Path REPOSITORY =
            Path.of(System.getProperty("user.dir")).getParent();
    private static final Path VERIFY = REPOSITORY.resolve("target/guest/verify/verify.elf");
    private static final Pattern CHECKED = Pattern.compile("alive: memory checked (\\d+) times, never a wrong byte");

    /** @param hosts where it is run, in this order */
    private record Block(List<String> hosts, String script) {}

    private static List<Block> blocks() throws IOException {
        String readme = Files.readString(REPOSITORY.resolve("README.md"));
        String section = readme.split("\n## Moving your first guest\n", -1)[1].split("\n## ", 2)[0];
        List<Block> blocks = new ArrayList<>();
        Matcher fences = Pattern.compile("(?s)```(.*?)\n(.*?)```").matcher(section);
        while (fences.find()) {
            assertThat(fences.group(1)).as("every block is one of commands").isEqualTo("sh");
            Matcher where = Pattern.compile("# on (host-[ab])(?: and (host-[ab]))?\n(?s:.*)")
                    .matcher(fences.group(2));
            assertThat(where.matches()).as("it says where: " + fences.group(2)).isTrue();
            blocks.add(new Block(
                    where.group(2) == null ? List.of(where.group(1)) : List.of(where.group(1), where.group(2)),
                    fences.group(2)));
        }
        return blocks;
    }

    @Test
    void shouldMoveAGuestByTheReadmeAlone() throws Exception {
        Path deb = DebianPackage.build(Optional.empty());
        try (Machine a = Machine.start("host-a", VERIFY);
                Machine b = Machine.start("host-b", VERIFY)) {
            Machine.join(a, b);
            letIn(a, b);
            a.copyIn(deb, "/root/ferry.deb");
            b.copyIn(deb, "/root/ferry.deb");
            for (Block block : blocks()) {
                for (String host : block.hosts()) {
                    (host.equals("host-a") ? a : b).sh("cd; " + block.script());
                }
            }
            itHasMoved(a, b);
            // The same daemons, and a guest that finds every wrong byte of all its memory.
            verifyingGuestMoves(a, b);
            for (Machine machine : List.of(a, b)) {
                assertThat(machine.sh("systemctl show -p NRestarts --value ferryd"))
                        .isEqualTo("0\n");
            }
        }
    }

    /** Root of the one may log in at the other, as the section asks for. */
    private static void letIn(Machine from, Machine to) throws Exception {
        String key =
                from.sh("ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 && cat /root/.ssh/id_ed25519.pub");
        to.sh("mkdir -m 700 -p /root/.ssh && echo '" + key.strip() + "' >/root/.ssh/authorized_keys");
        from.sh("ssh-keyscan " + to.name + " >/root/.ssh/known_hosts 2>/dev/null && ssh -o BatchMode=yes " + to.name
                + " true");
    }

    private static void itHasMoved(Machine a, Machine b) throws Exception {
        assertThat(a.sh("ferry guest list")).doesNotContain("first");
        assertThat(a.run("pgrep", "qemu").exit())
                .as("no QEMU is left on host-a")
                .isEqualTo(1);
        assertThat(b.sh("ferry guest list")).containsPattern("first +RUNNING");
        assertThat(a.sh("ferry list")).containsPattern("first +COMPLETED +DESTINATION");
        Path serial = b.file("/run/ferry/guests/first/serial");
        long before = lastCheck(serial);
        Await.until("it goes on checking its memory", () -> lastCheck(serial) > before);
        assertThat(Files.readString(serial))
                .as("it was not started anew, and finds its memory as it was")
                .doesNotContain("records out")
                .doesNotContain("MEMORY HAS CHANGED");
        assertThat(firstCheck(serial)).isGreaterThan(1);
    }

    private static long firstCheck(Path serial) throws IOException {
        Matcher m = CHECKED.matcher(Files.readString(serial));
        assertThat(m.find()).isTrue();
        return Long.parseLong(m.group(1));
    }

    private static long lastCheck(Path serial) throws IOException {
        return CHECKED.matcher(Files.readString(serial))
                .results()
                .mapToLong(r -> Long.parseLong(r.group(1)))
                .max()
                .orElse(0);
    }

    private static void verifyingGuestMoves(Machine a, Machine b) throws Exception {
        Files.writeString(
                a.file("/root/v1.toml"),
                VerifyingGuest.toml("v1", "tcg", "128MiB", 1, "rate=2000 write=20 pattern=random", ""));
        a.sh("ferry guest run /root/v1.toml");
        VerifyingGuest guest = new VerifyingGuest("v1", a.file("/run/ferry/guests/v1"));
        guest.awaitReady();
        guest.awaitTick();
        a.sh("ferry check v1 --to host-b:7420 && ferry migrate v1 --to host-b:7420 --wait --precopy-rounds 1");
        guest.movedTo(b.file("/run/ferry/guests/v1"));
        guest.awaitTick();
        guest.verify();
    }
}
