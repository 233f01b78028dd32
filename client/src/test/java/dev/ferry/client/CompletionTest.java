package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** A real bash with the completion of the package, and a ferry on its path that knows two guests and a migration. */
class CompletionTest {
    @TempDir
    Path dir;

    private Path script;

    @BeforeEach
    void install() throws Exception {
        script = Files.writeString(dir.resolve("completion"), Completions.script("bash"));
        Path ferry = Files.writeString(dir.resolve("ferry"), """
                #!/bin/sh
                case "$*" in
                  *'unix:/other.sock guest list') printf 'NAME STATUS\\nelsewhere RUNNING\\n' ;;
                  *'unix:/hostile.sock guest list')
                    echo NAME STATUS
                    printf '%s RUNNING\\n' '$({touch,ran-1})' '`touch${IFS}ran-2`' ';touch${IFS}ran-3' '*' '@files' -o '~' good
                    ;;
                  *'guest list') printf 'NAME STATUS\\ndb1 RUNNING\\nweb-2 RUNNING\\n' ;;
                  *list) printf 'ID GUEST\\n3f7a db1\\n' ;;
                esac
                """);
        Files.setPosixFilePermissions(ferry, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.createDirectory(dir.resolve("folder"));
        Files.createFile(dir.resolve("file.toml"));
    }

    /** What Tab offers at the end of this line. */
    private Set<String> tab(String line) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                        "bash", "--norc", "--noprofile", "-c", """
                        source "$1"
                        # The real one works only when readline calls.
                        compopt() { :; }
                        COMP_LINE=$2 COMP_POINT=${#2}
                        function=$(complete -p ferry) && function=${function#*-F } && ${function%% *}
                        printf '%s\\n' "${COMPREPLY[@]}\"""", "bash", script.toString(), line)
                .directory(dir.toFile())
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile());
        builder.environment().merge("PATH", dir.toString(), (old, ours) -> ours + ":" + old);
        builder.environment().remove("FERRY_ENDPOINT");
        Process bash = builder.start();
        String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(bash.waitFor()).as(said).isZero();
        return new TreeSet<>(
                Arrays.stream(said.split("\n")).filter(l -> !l.isEmpty()).toList());
    }

    @Test
    void shouldOfferEveryCommandAndEveryOption() throws Exception {
        compare("ferry", Ferry.commandLine(Terminal.system()));
    }

    private void compare(String name, CommandLine command) throws Exception {
        Set<String> options = new TreeSet<>();
        command.getCommandSpec().options().forEach(o -> options.addAll(List.of(o.names())));
        assertThat(tab(name + " -")).as(name).isEqualTo(options);
        if (!command.getSubcommands().isEmpty()) {
            assertThat(tab(name + " "))
                    .isEqualTo(new TreeSet<>(command.getSubcommands().keySet()));
        }
        for (String word : command.getSubcommands().keySet()) {
            compare(name + " " + word, command.getSubcommands().get(word));
        }
    }

    @Test
    void shouldOfferWhatThereIs() throws Exception {
        assertThat(tab("ferry migrate ")).containsExactly("db1", "web-2");
        assertThat(tab("ferry migrate --to host-b:7420 w")).containsExactly("web-2");
        assertThat(tab("ferry check --to=host-b:7420 w")).containsExactly("web-2");
        assertThat(tab("ferry guest show d")).containsExactly("db1");
        assertThat(tab("ferry migrate db1 ")).isEmpty();
        assertThat(tab("ferry --endpoint unix:/other.sock guest show ")).containsExactly("elsewhere");
        assertThat(tab("ferry --endpoint=unix:/other.sock guest show ")).containsExactly("elsewhere");
        assertThat(tab("ferry cancel ")).containsExactly("3f7a");
        assertThat(tab("ferry -o json show ")).containsExactly("3f7a");
    }

    /** What a distant ferryd answers is nothing that a shell may expand. */
    @Test
    void shouldNotRunWhatAGuestIsCalled() throws Exception {
        assertThat(tab("ferry --endpoint unix:/hostile.sock migrate ")).containsExactly("good");
        assertThat(tab("ferry --endpoint unix:/hostile.sock migrate $")).isEmpty();
        try (Stream<Path> files = Files.list(dir)) {
            assertThat(files.map(f -> f.getFileName().toString())).noneMatch(f -> f.startsWith("ran"));
        }
    }

    /** Without the help of what the answers are cut down to. */
    @Test
    void shouldNotExpandAnyWord() throws Exception {
        Files.writeString(
                script,
                Files.readString(script) + "_ferry_next() { printf '%s\\n' '$({touch,ran})' '*' 'two words' good; }\n");
        assertThat(tab("ferry migrate ")).containsExactly("$({touch,ran})", "*", "good", "two words");
        assertThat(tab("ferry migrate g")).containsExactly("good");
        assertThat(tab("ferry migrate *")).as("a prefix is no pattern").containsExactly("*");
        assertThat(dir.resolve("ran")).doesNotExist();
    }

    @Test
    void shouldOfferWordsAndFiles() throws Exception {
        assertThat(tab("ferry -o ")).containsExactly("json", "table");
        assertThat(tab("ferry list --output=j")).containsExactly("json");
        assertThat(tab("ferry migrate db1 --lost-page-policy ")).containsExactly("poison", "stop", "wait");
        assertThat(tab("ferry guest run f")).contains("file.toml", "folder", "ferry");
        assertThat(tab("ferry tls init --dir f")).containsExactly("folder");
        assertThat(tab("ferry guest attach ")).isEmpty();
        assertThat(tab("ferry li")).containsExactly("limit", "list");
        assertThat(tab("ferry migr")).containsExactly("migrate");
    }

    @Test
    void shouldOfferOnlyWordsThatAreTaken() {
        for (String word : List.of("table", "json")) {
            assertThat(Format.parse(word)).isNotNull();
        }
        for (String word : List.of("wait", "stop", "poison")) {
            assertThat(LostPages.parse(word)).isNotNull();
        }
    }
}
