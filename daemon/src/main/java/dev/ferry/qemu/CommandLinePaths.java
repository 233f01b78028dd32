package dev.ferry.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.ferry.qemu.CommandLineOptions.Option;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** Makes relative paths of a command line absolute by the directory that QEMU was started in. Immutable. */
final class CommandLinePaths {
    private static final Set<String> WHOLE_VALUE = Set.of(
            "",
            "kernel",
            "initrd",
            "dtb",
            "bios",
            "pflash",
            "mtdblock",
            "sd",
            "hda",
            "hdb",
            "hdc",
            "hdd",
            "cdrom",
            "fda",
            "fdb",
            "L");
    private static final Set<String> FILE_KEYS =
            Set.of("file", "filename", "file.filename", "file.file.filename", "backing.file.filename");
    private static final Map<String, Set<String>> KEYS = Map.of(
            "drive", FILE_KEYS,
            "blockdev", FILE_KEYS,
            "chardev", Set.of("path", "logfile", "input-path"),
            "object", Set.of("filename", "file", "dir", "mem-path"),
            "fw_cfg", Set.of("file"),
            "acpitable", Set.of("file", "data"),
            "smbios", Set.of("file"),
            "virtfs", Set.of("path"),
            "fsdev", Set.of("path"));
    /** nbd://, rbd:, json:{ and the like: a colon before any slash. */
    private static final Pattern PROTOCOL =
            Pattern.compile("[a-z0-9+-]+:.*", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    private final Path workingDirectory;

    CommandLinePaths(String workingDirectory) {
        this.workingDirectory = Path.of(workingDirectory);
    }

    Option absolute(Option option) {
        if (option.value() == null) {
            return option;
        }
        Set<String> keys = KEYS.getOrDefault(option.name(), Set.of());
        if (WHOLE_VALUE.contains(option.name())) {
            return option.with(absolute(option.value()));
        }
        if (keys.isEmpty()) {
            return option;
        }
        return option.with(
                option.isJson()
                        ? inJson(CommandLineMemory.json(option.value()), keys).toString()
                        : QemuOption.parse(option.value())
                                .mapping(keys, this::absolute)
                                .toString());
    }

    String absolute(String path) {
        boolean isRelativeFile = !path.isEmpty()
                && !path.startsWith("/")
                && !PROTOCOL.matcher(path).matches();
        return isRelativeFile ? workingDirectory.resolve(path).normalize().toString() : path;
    }

    private JsonNode inJson(JsonNode node, Set<String> keys) {
        if (node instanceof ObjectNode object) {
            for (Map.Entry<String, JsonNode> field : object.properties()) {
                if (keys.contains(field.getKey()) && field.getValue().isTextual()) {
                    field.setValue(object.textNode(absolute(field.getValue().asText())));
                } else {
                    inJson(field.getValue(), keys);
                }
            }
        }
        return node;
    }
}
