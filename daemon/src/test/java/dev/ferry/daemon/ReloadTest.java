package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReloadTest {
    private final List<String> applied = new ArrayList<>();

    @TempDir
    private Path directory;

    private Path write(String text) throws Exception {
        return Files.writeString(directory.resolve("ferryd.toml"), text);
    }

    private Reload started(String text) throws Exception {
        Path file = write(text);
        return new Reload(
                file,
                ConfigLoader.loadAll(file).said(),
                List.of(
                        Reload.part(c -> applied.add("level " + c.logLevel()), "log.level"),
                        Reload.part(c -> applied.add("rounds " + c.policy().precopyRounds()), Reload.POLICY),
                        Reload.always(c -> applied.add("looked"))));
    }

    @Test
    void shouldApplyWhatHasChangedAndLeaveTheRest() throws Exception {
        Reload reload = started("[log]\nlevel = \"info\"\n[migration]\nprecopy_rounds = 3\n");
        write("[log]\nlevel = \"debug\"\n[migration]\nprecopy_rounds = 3\n");
        assertThat(reload.run()).endsWith("again: log.level");
        assertThat(applied).containsExactly("level DEBUG", "looked");
        assertThat(reload.run()).endsWith("nothing changed");
        assertThat(applied).containsExactly("level DEBUG", "looked", "looked");
    }

    @Test
    void shouldGoBackToTheDefaultWhenAKeyIsTakenOut() throws Exception {
        Reload reload = started("[migration]\nprecopy_rounds = 7\n");
        write("");
        reload.run();
        assertThat(applied).hasSize(2).doesNotContain("rounds 7");
    }

    @Test
    void shouldNameWhatNeedsARestartUntilItIsAsItWas() throws Exception {
        Reload reload = started("name = \"a\"\n");
        write("name = \"b\"\n[log]\nlevel = \"debug\"\n");
        assertThat(reload.run()).endsWith("log.level; needs a restart: name");
        assertThat(reload.run()).endsWith("nothing changed; needs a restart: name");
        write("name = \"a\"\n");
        assertThat(reload.run()).endsWith("again: log.level");
    }

    @Test
    void shouldChangeNothingWhenTheFileIsWrong() throws Exception {
        Reload reload = started("[log]\nlevel = \"info\"\n");
        write("[log]\nlevel = \"debug\"\n[guests]\nnothing = 1\n");
        assertThat(reload.run())
                .contains("stays as it is")
                .contains("ferryd.toml:4")
                .contains("guests.nothing");
        assertThat(applied).isEmpty();
        Files.delete(directory.resolve("ferryd.toml"));
        assertThat(reload.run()).contains("stays as it is").contains("no such file");
        assertThat(applied).isEmpty();
    }
}
