package dev.ferry.qemu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.qemu.GuestDefinition.Node;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** A guest definition as people write it. */
final class DefinitionToml {
    private static final Set<String> KEYS = Set.of(
            "name", "emulator", "machine", "accel", "cpu", "smp", "memory", "node", "hugepages", "backing", "args");
    private static final Set<String> BACKINGS = Set.of("private", "memfd", "shared");

    /** Not within a [[node]]. */
    private static final int TOP = -1;

    private final String text;
    private final String file;
    private final JsonNode root;

    private DefinitionToml(String text, String file, JsonNode root) {
        this.text = text;
        this.file = file;
        this.root = root;
    }

    static GuestDefinition parse(String text, String file) {
        JsonNode root;
        try {
            root = new TomlMapper().readTree(text);
        } catch (JsonProcessingException e) {
            // What is too deep or too long has no place.
            int line = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getLineNr());
            throw new FerryException(
                    ErrorCategory.INVALID_ARGUMENT, file + ":" + line + ": " + e.getOriginalMessage(), e);
        }
        return new DefinitionToml(text, file, root).definition();
    }

    private GuestDefinition definition() {
        known(root, KEYS, TOP);
        List<Node> nodes = new ArrayList<>();
        JsonNode list = root.path("node");
        if (!list.isMissingNode() && !list.isArray()) {
            throw bad("node", "write one [[node]] for each NUMA node");
        }
        for (JsonNode node : list) {
            int index = nodes.size();
            known(node, Set.of("memory", "cpus"), index);
            if (node.has("cpus") && !node.path("cpus").isTextual()) {
                throw bad("cpus", index, "is a string, for example \"0-1\" or \"0,4-5\"");
            }
            nodes.add(new Node(size(node, "memory", index), node.path("cpus").asText("")));
        }
        long memory = nodes.stream().mapToLong(Node::memoryBytes).sum();
        if (root.has("memory")) {
            long said = size(root, "memory", TOP);
            if (!nodes.isEmpty() && said != memory) {
                throw bad("memory", "is " + said + " bytes, the nodes have " + memory);
            }
            memory = said;
        } else if (nodes.isEmpty()) {
            throw new FerryException(
                    ErrorCategory.INVALID_ARGUMENT, file + ":1: memory: is missing, for example \"1GiB\"");
        }
        if (!root.path("name").isTextual()) {
            throw new FerryException(ErrorCategory.INVALID_ARGUMENT, file + ":1: name: is missing");
        }
        try {
            GuestNames.check(root.path("name").asText());
        } catch (FerryException e) {
            throw bad("name", e.getMessage());
        }
        String backing = string("backing", "private");
        if (!BACKINGS.contains(backing)) {
            throw bad("backing", "'" + backing + "' is not one of private, memfd, shared");
        }
        return new GuestDefinition(
                string("name", ""),
                string("emulator", "qemu-system-x86_64"),
                string("machine", "q35"),
                string("accel", "kvm:tcg"),
                string("cpu", ""),
                root.path("smp").isInt() ? root.get("smp").asText() : string("smp", "1"),
                memory,
                nodes,
                hugePages(),
                backing,
                arguments());
    }

    static String write(GuestDefinition d) {
        StringBuilder out = new StringBuilder();
        line(out, "name", d.name());
        line(out, "emulator", d.emulator());
        line(out, "machine", d.machine());
        line(out, "accel", d.accel());
        line(out, "cpu", d.cpu());
        line(out, "smp", d.smp());
        line(out, "memory", Sizes.format(d.memoryBytes()));
        line(out, "backing", d.backing());
        if (d.hugePageBytes() > 0) {
            line(out, "hugepages", Sizes.format(d.hugePageBytes()));
        }
        out.append("args = [\n");
        d.arguments().forEach(a -> out.append("  ").append(quote(a)).append(",\n"));
        out.append("]\n");
        for (Node node : d.nodes()) {
            out.append("\n[[node]]\n");
            line(out, "memory", Sizes.format(node.memoryBytes()));
            line(out, "cpus", node.cpus());
        }
        return out.toString();
    }

    private List<String> arguments() {
        JsonNode args = root.path("args");
        List<String> list = new ArrayList<>();
        if (!args.isMissingNode() && !args.isArray()) {
            throw bad("args", "is a list of strings: args = [\"-device\", \"virtio-rng-pci\"]");
        }
        for (JsonNode arg : args) {
            if (!arg.isTextual()) {
                throw bad("args", arg + " is not a string");
            }
            list.add(arg.asText());
        }
        for (String mine :
                List.of("-m", "-qmp", "-incoming", "-S", "-daemonize", "-machine", "-M", "-pidfile", "-name")) {
            if (list.contains(mine)) {
                throw bad("args", mine + " is ferryd's own to say; use the keys memory, machine, name");
            }
        }
        return list;
    }

    private void known(JsonNode table, Set<String> keys, int node) {
        for (Iterator<String> names = table.fieldNames(); names.hasNext(); ) {
            String key = names.next();
            if (!keys.contains(key)) {
                throw bad(
                        key,
                        node,
                        "is not known; known are " + keys.stream().sorted().toList());
            }
        }
    }

    private long hugePages() {
        long bytes = root.has("hugepages") ? size(root, "hugepages", TOP) : 0;
        if (bytes != 0 && bytes != 2L << 20 && bytes != 1L << 30) {
            throw bad("hugepages", "is \"2MiB\" or \"1GiB\"");
        }
        return bytes;
    }

    private String string(String key, String fallback) {
        JsonNode value = root.path(key);
        if (!value.isMissingNode() && !value.isTextual()) {
            throw bad(key, "is a string");
        }
        return value.asText(fallback);
    }

    private long size(JsonNode table, String key, int node) {
        JsonNode value = table.path(key);
        if (!value.isTextual()) {
            throw bad(key, node, "is a size in quotes, for example \"256MiB\" or \"1GiB\"");
        }
        try {
            return Sizes.parse(value.asText(), 1);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw bad(key, node, e.getMessage());
        }
    }

    private FerryException bad(String key, String problem) {
        return bad(key, TOP, problem);
    }

    /** @param node within which [[node]], or TOP */
    private FerryException bad(String key, int node, String problem) {
        return new FerryException(
                ErrorCategory.INVALID_ARGUMENT, file + ":" + lineOf(key, node) + ": " + key + ": " + problem);
    }

    /** The tree that Jackson gives has no positions, so the text is searched; 1 for a key in a form not seen here. */
    private int lineOf(String key, int node) {
        Pattern keyLine = Pattern.compile("(\\[\\[?\\s*)?[\"']?" + Pattern.quote(key) + "[\"']?\\s*([=.\\]].*)?");
        List<String> lines = text.lines().map(String::strip).toList();
        int current = TOP;
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).matches("\\[\\[\\s*[\"']?node[\"']?\\s*]].*")) {
                current++;
            }
            boolean here = current == node || key.equals("node");
            if (here && keyLine.matcher(lines.get(i)).matches()) {
                return i + 1;
            }
        }
        return 1;
    }

    private static void line(StringBuilder out, String key, String value) {
        if (!value.isEmpty()) {
            out.append(key).append(" = ").append(quote(value)).append('\n');
        }
    }

    private static String quote(String value) {
        StringBuilder out = new StringBuilder("\"");
        value.chars().forEach(c -> {
            if (c < ' ' || c == 0x7f) {
                out.append(String.format("\\u%04x", c));
            } else {
                out.append(c == '"' || c == '\\' ? "\\" : "").append((char) c);
            }
        });
        return out.append('"').toString();
    }
}
