package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.migration.Journal.Entry;
import dev.ferry.migration.Journal.Step;
import dev.ferry.migration.LostPagePolicy;
import dev.ferry.migration.Side;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileJournalTest {
    private static final LostPagePolicy POLICY = new LostPagePolicy(LostPagePolicy.Action.POISON, 9);

    @TempDir
    Path directory;

    private static Entry entry(Side side, Step step) {
        return new Entry(
                "00000000000000ff", side, step, 3, "db 1=é", "[::1]:7", "r=1", true, 42, 7, POLICY, "source.example");
    }

    @Test
    void shouldReadBackTheLastWordOfEachSide() {
        FileJournal journal = new FileJournal(directory);
        journal.write(entry(Side.SOURCE, Step.PREPARING));
        journal.write(entry(Side.SOURCE, Step.HANDED_OVER));
        journal.write(entry(Side.DESTINATION, Step.COMMITTED));
        assertThat(new FileJournal(directory).readAll())
                .containsExactlyInAnyOrder(
                        entry(Side.SOURCE, Step.HANDED_OVER), entry(Side.DESTINATION, Step.COMMITTED));
        journal.remove("00000000000000ff", Side.SOURCE);
        journal.remove("00000000000000ff", Side.SOURCE);
        assertThat(journal.readAll()).containsExactly(entry(Side.DESTINATION, Step.COMMITTED));
    }

    /** Of a release that did not know the policy. */
    @Test
    void shouldReadAnEntryWithoutAPolicyAsOneThatWaits() throws Exception {
        FileJournal journal = new FileJournal(directory);
        journal.write(entry(Side.DESTINATION, Step.RESUMED));
        Path file = directory.resolve("00000000000000ff.in.journal");
        Files.write(
                file,
                Files.readAllLines(file).stream()
                        .filter(l -> !l.startsWith("lostPage"))
                        .toList());
        assertThat(journal.readAll())
                .singleElement()
                .satisfies(e -> assertThat(e.lostPages()).isEqualTo(LostPagePolicy.defaults()));
    }

    @Test
    void shouldIgnoreAWriteThatWasBrokenOff() throws Exception {
        Files.writeString(directory.resolve("x.out.journal.new"), "id=");
        FileJournal journal = new FileJournal(directory);
        assertThat(journal.readAll()).isEmpty();
        assertThat(journal.unreadable()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "side=NOWHERE", "id=\u0000\nside=SOURCE\nstep=PREPARING", "\\u00"})
    void shouldReadTheOthersBesideGarbageAndSayWhichItIs(String garbage) throws Exception {
        FileJournal journal = new FileJournal(directory);
        journal.write(entry(Side.DESTINATION, Step.COMMITTED));
        Path bad = Files.writeString(directory.resolve("y.out.journal"), garbage);
        Path binary = Files.write(directory.resolve("z.in.journal"), new byte[] {-1, -2, 0});
        assertThat(journal.readAll()).containsExactly(entry(Side.DESTINATION, Step.COMMITTED));
        assertThat(journal.unreadable()).containsExactlyInAnyOrder(bad.toString(), binary.toString());
        Files.delete(bad);
        Files.delete(binary);
        assertThat(journal.unreadable()).isEmpty();
    }
}
