package dev.ferry.daemon;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Reads a TOML file key by key, dotted from the root; every error names file, line and key. Whoever has read what it knows
 * calls {@link #refuseOthers}.
 */
final class TomlReader {
    private final String file;
    private final KeyLines lines;
    private final JsonNode root;
    private final Set<String> known = new HashSet<>();

    TomlReader(String file, String text) throws ConfigException {
        this.file = file;
        this.lines = new KeyLines(text);
        try {
            this.root = new TomlMapper().readTree(text);
        } catch (JsonProcessingException e) {
            int line = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getLineNr());
            throw new ConfigException(file + ":" + line + ": not TOML: " + e.getOriginalMessage());
        }
    }

    String text(String key, String byDefault) throws ConfigException {
        JsonNode node = node(key);
        if (node != null && !node.isTextual()) {
            throw wrong(key, shown(node) + " is no text in quotes");
        }
        return node == null ? byDefault : node.textValue();
    }

    long number(String key, long least, long most, long byDefault) throws ConfigException {
        JsonNode node = node(key);
        if (node == null) {
            return byDefault;
        }
        if (!node.isIntegralNumber()
                || !node.canConvertToLong()
                || node.longValue() < least
                || node.longValue() > most) {
            throw wrong(key, shown(node) + ", allowed is a whole number from " + least + " to " + most);
        }
        return node.longValue();
    }

    boolean flag(String key, boolean byDefault) throws ConfigException {
        JsonNode node = node(key);
        if (node != null && !node.isBoolean()) {
            throw wrong(key, shown(node) + ", allowed are true and false");
        }
        return node == null ? byDefault : node.booleanValue();
    }

    double seconds(String key, double most, double byDefault) throws ConfigException {
        JsonNode node = node(key);
        if (node == null) {
            return byDefault;
        }
        if (!node.isNumber() || !(node.doubleValue() >= 0 && node.doubleValue() <= most)) {
            throw wrong(key, shown(node) + ", allowed is a number from 0 to " + most);
        }
        return node.doubleValue();
    }

    List<String> texts(String key, List<String> byDefault) throws ConfigException {
        JsonNode node = node(key);
        if (node == null) {
            return byDefault;
        }
        List<String> all = new ArrayList<>();
        node.forEach(n -> all.add(n.textValue()));
        if (!node.isArray() || all.isEmpty() || all.contains(null)) {
            throw wrong(key, shown(node) + " is no list of texts: [\"…\", \"…\"]");
        }
        return List.copyOf(all);
    }

    /** A table of texts under any keys. */
    Map<String, String> textTable(String key) throws ConfigException {
        JsonNode node = node(key);
        Map<String, String> all = new LinkedHashMap<>();
        if (node == null) {
            return all;
        }
        table(key, node);
        for (Map.Entry<String, JsonNode> e : node.properties()) {
            String value = e.getValue().textValue();
            if (value == null) {
                throw wrong(key + "." + e.getKey(), shown(e.getValue()) + " is no text in quotes");
            }
            all.put(e.getKey(), value);
        }
        return all;
    }

    boolean isSaid(String key) throws ConfigException {
        return node(key) != null;
    }

    void refuseOthers() throws ConfigException {
        refuseOthers("", root);
    }

    private void refuseOthers(String prefix, JsonNode table) throws ConfigException {
        for (Map.Entry<String, JsonNode> e : table.properties()) {
            String key = prefix + e.getKey();
            if (known.contains(key)) {
                continue;
            }
            if (!e.getValue().isObject() || known.stream().noneMatch(k -> k.startsWith(key + "."))) {
                List<String> allowed = known.stream().sorted().toList();
                throw wrong(key, "unknown, allowed are " + String.join(", ", allowed));
            }
            refuseOthers(key + ".", e.getValue());
        }
    }

    /** What the file says to each key that was asked for: its value as text, or nothing. */
    Map<String, String> said() throws ConfigException {
        Map<String, String> all = new TreeMap<>();
        for (String key : List.copyOf(known)) {
            JsonNode node = node(key);
            if (node != null) {
                all.put(key, shown(node));
            }
        }
        return all;
    }

    ConfigException wrong(String key, String what) {
        return new ConfigException(file + ":" + lines.of(key) + ": " + key + ": " + what);
    }

    private JsonNode node(String key) throws ConfigException {
        known.add(key);
        JsonNode node = root;
        String path = "";
        for (String part : key.split("\\.", -1)) {
            if (!path.isEmpty()) {
                table(path, node);
            }
            node = node.get(part);
            if (node == null) {
                return null;
            }
            path = path.isEmpty() ? part : path + "." + part;
        }
        return node;
    }

    private void table(String key, JsonNode node) throws ConfigException {
        if (!node.isObject()) {
            throw wrong(key, shown(node) + " is no table: [" + key + "]");
        }
    }

    private static String shown(JsonNode node) {
        return node.toString();
    }
}
