package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Side;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Real daemons and a real guest in network namespaces, and a link between them that is cut. */
@Tag("qemu")
class LostLinkSystemTest {
    private static final String PLAIN = "[tls]\nmode = \"off\"\n";
    private static final String TOML =
            VerifyingGuest.toml("v1", "tcg", "128MiB", 1, "rate=5000 write=20 pattern=random", "");

    private CutLink link;
    private Path root;
    private Ferryd a;
    private Ferryd b;
    private VerifyingGuest guest;

    @BeforeEach
    void begin() throws Exception {
        link = new CutLink("");
        root = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-");
        // The destination listens at every address that it has.
        a = new Ferryd(root.resolve("a"), PLAIN, new Ferryd.Place(link.prefix("a"), CutLink.address("a"), Map.of()));
        b = new Ferryd(root.resolve("b"), PLAIN, new Ferryd.Place(link.prefix("b"), "0.0.0.0", Map.of()));
        a.awaitReady();
        b.awaitReady();
        a.run(TOML);
        guest = new VerifyingGuest("v1", a);
        guest.awaitReady();
        guest.awaitTick();
    }

    @AfterEach
    void end() throws Exception {
        try {
            for (Ferryd host : new Ferryd[] {a, b}) {
                if (host != null) {
                    host.close();
                }
            }
            if (root != null) {
                Guests.removeTree(root);
            }
        } finally {
            link.close();
        }
    }

    private String port() {
        return b.peer.substring(b.peer.lastIndexOf(':'));
    }

    private void assertMoved(Migration end, int pid) throws Exception {
        assertThat(end.getState())
                .as(end.getError() + "\n" + a.log() + "\n" + b.log())
                .isEqualTo(MigrationState.COMPLETED);
        assertThat(end.getRunsOn()).isEqualTo(Side.DESTINATION);
        assertThat(Guests.hasEnded(pid)).isTrue();
        guest.movedTo(b);
        guest.verify();
        guest.verifyFromOutside();
        assertThat(guest.tracesInProcess()).isEmpty();
        assertThat(Lab.journals(a)).isEmpty();
        assertThat(Lab.journals(b)).isEmpty();
    }

    /** Half a second is sat out by TCP; half a minute ends it on the source: see bin/soak --matrix. */
    @Test
    void shouldGoOnWithPrecopyWhenTheConnectionsWereLost() throws Exception {
        int pid = guest.pid();
        Policy slow = Policy.newBuilder().setBandwidthBytesPerSecond(20 << 20).build();
        String id = a.start("v1", CutLink.address("b") + port(), slow).getId();
        a.awaitState(id, MigrationState.PRECOPY);
        Await.until("some of it is there", () -> a.get(id).getPrecopy().getBytes() > 10 << 20);
        link.cut();
        // All connections at once, on this side only, as a firewall does that has been restarted.
        killConnections();
        Await.until("it is tried again", () -> a.get(id).getReason().startsWith("connection lost, tried again"));
        assertThat(a.get(id).getState()).isEqualTo(MigrationState.PRECOPY);
        TimeUnit.MILLISECONDS.sleep(1000); // how long it is cut
        link.mend();
        Await.until("it is connected", () -> a.get(id).getReason().startsWith("connected again"));
        Migration end = a.follow(id);
        assertMoved(end, pid);
        assertThat(end.getRecoveries()).isEqualTo(1);
    }

    private void killConnections() throws Exception {
        List<String> command = new ArrayList<>(link.prefix("a"));
        command.addAll(List.of("ss", "-K", "dst", CutLink.address("b")));
        assertThat(new ProcessBuilder(command)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor())
                .isZero();
    }

    @Test
    void shouldCompleteOverTheSecondAddress() throws Exception {
        int pid = guest.pid();
        Policy slowPush = Policy.newBuilder()
                .setPrecopyRounds(0)
                .setPostcopyBandwidthBytesPerSecond(20 << 20)
                .build();
        String to = CutLink.address("b") + port() + "," + CutLink.secondAddress("b") + port();
        String id = a.start("v1", to, slowPush).getId();
        a.awaitState(id, MigrationState.POSTCOPY);
        link.cut(); // for good
        long cutNs = System.nanoTime();
        long demanded = b.get(id).getPostcopy().getDemandPages();
        Await.until("faults are served again", () -> b.get(id).getPostcopy().getDemandPages() > demanded + 3);
        System.err.printf(
                "faults served over the second address after %d ms%n", (System.nanoTime() - cutNs) / 1_000_000);
        Migration end = a.follow(id);
        assertMoved(end, pid);
        assertThat(end.getPeer()).isEqualTo(to);
        assertThat(end.getRecoveries()).isEqualTo(1);
    }
}
