package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The configuration file of the package and ferryd.toml(5) have every key that there is, and no other. */
class ShippedConfigTest {
    private static final Path SHIPPED = Path.of("../packaging/ferryd.toml");
    private static final Path PAGE = Path.of("../packaging/man/ferryd.toml.5");

    /** Tables with keys of the host's own. */
    private static final Set<String> FREE = Set.of("guests.values", "guests.paths");

    private static Set<String> known() {
        try {
            ConfigLoader.parse("f", "no_such_key = 1");
        } catch (ConfigException e) {
            String all = e.getMessage();
            return new TreeSet<>(Arrays.asList(all.substring(all.indexOf("allowed are ") + "allowed are ".length())
                    .split(", ")));
        }
        throw new AssertionError("it was taken");
    }

    /** With every key that is commented out, but for these. */
    private static String filledIn(String... left) throws Exception {
        StringBuilder text = new StringBuilder();
        for (String line : Files.readAllLines(SHIPPED)) {
            boolean isKey = line.matches("#[a-z_\"/]+ = .*");
            boolean isLeft = Arrays.stream(left).anyMatch(key -> line.startsWith("#" + key + " ="));
            text.append(isKey && !isLeft ? line.substring(1) : line).append('\n');
        }
        return text.toString();
    }

    @Test
    void shouldSetNothing() throws Exception {
        assertThat(ConfigLoader.load(SHIPPED)).isEqualTo(ConfigLoader.parse("empty", ""));
    }

    @Test
    void shouldHaveEveryKey() throws Exception {
        String all = filledIn();
        ConfigLoader.parse("filled in", all);
        Set<String> said = new TreeSet<>();
        collect("", new TomlMapper().readTree(all), said);
        assertThat(said).isEqualTo(known());
    }

    private static void collect(String prefix, JsonNode table, Set<String> keys) {
        for (Map.Entry<String, JsonNode> e : table.properties()) {
            String key = prefix + e.getKey();
            if (e.getValue().isObject() && !FREE.contains(key)) {
                collect(key + ".", e.getValue(), keys);
            } else {
                keys.add(key);
            }
        }
    }

    @Test
    void shouldShowDefaults() throws Exception {
        // Of these the default is that there is none: what is shown is an example. The address for peers and metrics is
        // the same key.
        Config config = ConfigLoader.parse(
                "filled in",
                filledIn("name", "viewers", "operators", "allow", "user", "emulator", "tap", "\"/srv/images\"")
                        .replace("listen = \"127.0.0.1:9420\"", ""));
        assertThat(config).isEqualTo(ConfigLoader.parse("empty", ""));
    }

    @Test
    void shouldBeDescribedInItsManPage() throws Exception {
        Set<String> said = new TreeSet<>();
        String section = "";
        boolean isTag = false;
        for (String line : Files.readAllLines(PAGE)) {
            Matcher heading = Pattern.compile("\\.SH \\[([a-z.]+)]").matcher(line);
            Matcher key = Pattern.compile("\\.BR ([a-z_]+) .*").matcher(line);
            if (line.startsWith(".SH")) {
                section = heading.matches() ? heading.group(1) + "." : "";
            } else if (isTag && key.matches()) {
                said.add(section + key.group(1));
            }
            isTag = line.equals(".TP");
        }
        assertThat(said).isEqualTo(known());
    }
}
