package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.migration.FaultPoint;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Side;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Two hosts on one machine: two real daemons with directories of their own. Everything is gone when it is closed. */
final class Lab implements AutoCloseable {
    final Path root;
    final Ferryd a;
    final Ferryd b;

    Lab() throws Exception {
        this("");
    }

    Lab(String extra) throws Exception {
        this(extra, extra);
    }

    /** With more configuration for each host; ROOT in it stands for this lab's directory. */
    Lab(String extraA, String extraB) throws Exception {
        root = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-");
        a = new Ferryd(root.resolve("a"), extraA.replace("ROOT", root.toString()));
        b = new Ferryd(root.resolve("b"), extraB.replace("ROOT", root.toString()));
        a.awaitReady();
        b.awaitReady();
    }

    /** Two hosts whose daemons can be made to die at a boundary of the protocol: {@link #haltAt}. */
    static Lab withFaults() throws Exception {
        Path root = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-");
        Path classes = root.resolve("faults");
        FaultStage.provide(classes);
        return new Lab(root, place(root.resolve("a"), classes), place(root.resolve("b"), classes));
    }

    private Lab(Path root, Ferryd.Place placeA, Ferryd.Place placeB) throws Exception {
        this.root = root;
        a = new Ferryd(root.resolve("a"), "", placeA);
        b = new Ferryd(root.resolve("b"), "", placeB);
        a.awaitReady();
        b.awaitReady();
    }

    private static Ferryd.Place place(Path home, Path classes) throws IOException {
        Path faults = Files.createDirectories(home.resolve("faults"));
        return new Ferryd.Place(
                List.of(),
                "127.0.0.1",
                Map.of("FERRYD_CLASS_PATH", classes.toString(), "FERRY_FAULTS", faults.toString()));
    }

    /** The daemon that passes this boundary next dies there. */
    Ferryd haltAt(FaultPoint point) throws IOException {
        Ferryd host = point.side() == dev.ferry.migration.Side.SOURCE ? a : b;
        Path fresh = host.home.resolve("faults/fresh");
        Files.writeString(fresh, point + " 1 HALT\n");
        Files.move(fresh, fresh.resolveSibling("armed"), StandardCopyOption.ATOMIC_MOVE);
        return host;
    }

    VerifyingGuest runOnA(String toml, String name) {
        a.run(toml);
        VerifyingGuest guest = new VerifyingGuest(name, a);
        guest.awaitReady();
        return guest;
    }

    /** Moves and checks that it arrived and left nothing behind. */
    Migration move(VerifyingGuest guest, Ferryd from, Ferryd to, Policy policy) throws Exception {
        int sourcePid = guest.pid();
        Migration end = from.follow(from.start(guest.name, to, policy).getId());
        assertThat(end.getState())
                .as(end.getError() + "\n" + from.log() + "\n" + to.log())
                .isEqualTo(MigrationState.COMPLETED);
        assertThat(end.getRunsOn()).isEqualTo(Side.DESTINATION);
        assertThat(end.getRecoveries()).as(from.log()).isZero();
        guest.movedTo(to);
        assertThat(Guests.hasEnded(sourcePid))
                .as("the source QEMU has ended: " + Guests.state(sourcePid))
                .isTrue();
        assertThat(Files.exists(from.guestDirectory(guest.name))).isFalse();
        assertThat(from.ramFiles()).isEmpty();
        assertThat(guest.tracesInProcess()).isEmpty();
        assertThat(journals(from)).isEmpty();
        assertThat(journals(to)).isEmpty();
        return end;
    }

    static String journals(Ferryd host) throws IOException {
        StringBuilder left = new StringBuilder();
        for (String sub : new String[] {"run/journal", "run/migrations"}) {
            try (Stream<Path> files = Files.list(host.home.resolve(sub))) {
                files.filter(p -> !isRemembered(p)).forEach(p -> left.append(p).append('\n'));
            }
        }
        return left.toString();
    }

    /** What a destination remembers for a source that asks late. */
    private static boolean isRemembered(Path journal) {
        try {
            String text = Files.isRegularFile(journal) ? Files.readString(journal) : "";
            return text.contains("step=FENCED") || text.contains("step=SETTLED") || text.contains("step=RENOUNCED");
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() throws Exception {
        try {
            a.close();
        } finally {
            try {
                b.close();
            } finally {
                Guests.removeTree(root);
            }
        }
    }
}
