package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Side;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
            return text.contains("step=FENCED") || text.contains("step=SETTLED");
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
