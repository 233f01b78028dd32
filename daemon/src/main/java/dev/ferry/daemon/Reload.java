package dev.ferry.daemon;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the configuration file again while the daemon runs. What a part has said that it can change is changed; what nobody has said
 * this of is named in the log, so a new key needs a restart until it is made changeable. A file that is wrong changes nothing.
 * Called on the thread of the signal.
 */
final class Reload {
    private static final Logger LOG = LoggerFactory.getLogger(Reload.class);

    /** Keys of {@link Config#policy}. */
    static final String[] POLICY = {
        "migration.precopy_rounds",
        "migration.precopy_seconds",
        "migration.bandwidth",
        "migration.postcopy_bandwidth",
        "migration.lost_page_policy",
        "migration.lost_page_limit_seconds"
    };

    private final Path file;
    private final List<Part> parts;

    /** By key, as the file said when it came into force. */
    private final Map<String, String> inForce;

    /**
     * Something that can be another while the daemon runs.
     *
     * @param keys that it is made of; empty: looked at every time
     * @param apply is given all of the new configuration, and does not fail
     */
    record Part(Set<String> keys, Consumer<Config> apply) {
        private boolean isConcerned(Set<String> changed) {
            return keys.isEmpty() || !Collections.disjoint(keys, changed);
        }
    }

    static Part part(Consumer<Config> apply, String... keys) {
        return new Part(Set.copyOf(Arrays.asList(keys)), apply);
    }

    static Part always(Consumer<Config> apply) {
        return new Part(Set.of(), apply);
    }

    /** @param said by the file that the daemon was started with */
    Reload(Path file, Map<String, String> said, List<Part> parts) {
        this.file = file;
        this.inForce = new TreeMap<>(said);
        this.parts = List.copyOf(parts);
    }

    /** @return what became of it, in one line */
    synchronized String run() {
        ConfigLoader.Loaded loaded;
        try {
            loaded = ConfigLoader.loadAll(file);
        } catch (ConfigException e) {
            LOG.error("the configuration stays as it is: {}", e.getMessage());
            return "the configuration stays as it is: " + e.getMessage();
        }
        Set<String> keys = new TreeSet<>(inForce.keySet());
        keys.addAll(loaded.said().keySet());
        Set<String> changed = new LinkedHashSet<>();
        Set<String> waiting = new LinkedHashSet<>();
        for (String key : keys) {
            String before = inForce.getOrDefault(key, "");
            String now = loaded.said().getOrDefault(key, "");
            if (before.equals(now)) {
                continue;
            }
            if (parts.stream().anyMatch(part -> part.keys().contains(key))) {
                LOG.info("{} is {} from now on, it was {}", key, shown(now), shown(before));
                changed.add(key);
            } else {
                LOG.warn("{} needs a restart to be {}: it stays {}", key, shown(now), shown(before));
                waiting.add(key);
            }
        }
        parts.stream()
                .filter(part -> part.isConcerned(changed))
                .forEach(part -> part.apply().accept(loaded.config()));
        changed.forEach(key -> inForce.put(key, loaded.said().getOrDefault(key, "")));
        String done =
                "read " + file + " again: " + (changed.isEmpty() ? "nothing changed" : String.join(", ", changed));
        LOG.info("{}", done);
        return waiting.isEmpty() ? done : done + "; needs a restart: " + String.join(", ", waiting);
    }

    private static String shown(String value) {
        return value.isEmpty() ? "(default)" : value;
    }
}
