package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.qemu.GuestDefinition.Node;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Derives a definition from the command line of a QEMU that somebody else started: what Ferry says itself (RAM, monitors,
 * -incoming) is taken out, paths become absolute, and what cannot travel is refused by name.
 */
final class CommandLineReader {
    private static final Set<String> DROPPED_FLAGS = Set.of("-S", "-daemonize", "-no-fd-bootchk");
    private static final Set<String> DROPPED_WITH_VALUE =
            Set.of("-name", "-qmp", "-qmp-pretty", "-monitor", "-incoming", "-pidfile", "-D", "-d", "-loadvm");
    private static final Set<String> PATHS =
            Set.of("-kernel", "-initrd", "-bios", "-dtb", "-hda", "-hdb", "-hdc", "-hdd", "-cdrom", "-L");
    private static final Set<String> PATH_KEYS = Set.of("file", "path", "filename", "file.filename", "romfile");
    private static final Set<String> FLAGS_WITHOUT_VALUE = Set.of(
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
            "-no-shutdown",
            "-enable-kvm",
            "-nographic",
            "-no-acpi",
            "-no-hpet",
            "-usb",
            "-snapshot",
            "-win2k-hack",
            "-only-migratable",
            "-mem-prealloc",
            "-sdl",
            "-S",
            "-daemonize",
            "-no-fd-bootchk",
            "-preconfig",
            "-full-screen",
            "-portrait",
            "-singlestep",
            "-async-teardown");

    private final String name;
    private final String emulator;
    private final Path directory;
    private final String machine;
    private final List<String> kept = new ArrayList<>();
    private final List<String> accels = new ArrayList<>();
    private final Map<String, Long> backends = new HashMap<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Set<String> monitorChardevs = new HashSet<>();
    private String machineOptions = "";
    private String cpu = "";
    private String smp = "1";
    private long memory = 128L << 20;

    CommandLineReader(String name, String emulator, String workingDirectory, String machine) {
        this.name = name;
        this.emulator = emulator;
        this.directory = Path.of(workingDirectory);
        this.machine = machine;
    }

    GuestDefinition read(List<String> commandLine) {
        List<String> args = new ArrayList<>();
        for (String arg : commandLine.subList(1, commandLine.size())) {
            // QEMU takes --option as well.
            args.add(arg.startsWith("--") && arg.length() > 2 ? arg.substring(1) : arg);
        }
        for (int i = 0; i + 1 < args.size(); i++) {
            if (args.get(i).equals("-mon")
                    || args.get(i).equals("-monitor")
                    || args.get(i).equals("-qmp")) {
                monitorChardevs.add(options(args.get(i + 1).replaceFirst("^chardev:", "chardev="))
                        .getOrDefault("chardev", ""));
            }
        }
        for (int i = 0; i < args.size(); i++) {
            String option = args.get(i);
            boolean hasValue = option.startsWith("-") && !FLAGS_WITHOUT_VALUE.contains(option) && i + 1 < args.size();
            String value = hasValue ? args.get(++i) : null;
            take(option, value);
        }
        return new GuestDefinition(
                name,
                emulator,
                machine + machineOptions,
                accels.isEmpty() ? "tcg" : String.join(":", accels),
                cpu,
                smp,
                nodes.isEmpty()
                        ? memory
                        : nodes.stream().mapToLong(Node::memoryBytes).sum(),
                nodes,
                0,
                "private",
                kept);
    }

    private void take(String option, String value) {
        if (DROPPED_FLAGS.contains(option) || DROPPED_WITH_VALUE.contains(option) || option.equals("-mon")) {
            return;
        }
        if (value != null && (value.matches(".*[,:](fd|fds|vhostfd|vhostfds)=.*") || value.matches("(fd|fds)=.*"))) {
            throw refused(
                    option + " " + value, "a descriptor cannot travel; write a definition and use ferry guest run");
        }
        switch (option) {
            case "-m" -> memory = memory(value);
            case "-machine", "-M" -> machine(value);
            case "-accel" -> accels.add(value);
            case "-enable-kvm" -> accels.add("kvm");
            case "-cpu" -> cpu = value;
            case "-smp" -> smp = value;
            case "-object" -> object(value);
            case "-numa" -> numa(value);
            case "-mem-path", "-mem-prealloc" -> {}
            case "-chardev" -> chardev(value);
            case "-serial" -> serial(value);
            case "-nographic" ->
                throw refused(
                        "-nographic",
                        "it puts serial port and monitor on a terminal; use -display"
                                + " none with -serial file:PATH or a socket");
            default -> {
                kept.add(option);
                if (value != null) {
                    kept.add(PATHS.contains(option) ? absolute(value) : withAbsolutePaths(value));
                }
            }
        }
    }

    private long memory(String value) {
        Map<String, String> o = options(value);
        return Sizes.parse(o.getOrDefault("size", o.getOrDefault("", "128M")), 1L << 20);
    }

    private void machine(String value) {
        StringBuilder rest = new StringBuilder();
        List<String> parts = List.of(value.split(",", -1));
        for (int i = 0; i < parts.size(); i++) {
            String part = parts.get(i);
            if (part.startsWith("accel=")) {
                accels.addAll(List.of(part.substring(6).split(":", -1)));
            } else if (part.contains("=") && !part.startsWith("memory-backend=") && !part.startsWith("type=")) {
                rest.append(',').append(part);
            }
        }
        machineOptions = rest.toString();
    }

    private void object(String value) {
        if (value.startsWith("memory-backend-") || value.contains("\"memory-backend-")) {
            Map<String, String> o = options(value);
            backends.put(o.getOrDefault("id", ""), Sizes.parse(o.getOrDefault("size", "0"), 1));
            return;
        }
        kept.add("-object");
        kept.add(withAbsolutePaths(value));
    }

    private void numa(String value) {
        Map<String, String> o = options(value);
        if (!value.startsWith("node")) {
            kept.add("-numa");
            kept.add(value);
            return;
        }
        long bytes = o.containsKey("memdev")
                ? backends.getOrDefault(o.get("memdev"), 0L)
                : Sizes.parse(o.getOrDefault("mem", "0"), 1L << 20);
        nodes.add(new Node(bytes, o.getOrDefault("cpus", "")));
    }

    private void chardev(String value) {
        Map<String, String> o = options(value);
        if (monitorChardevs.contains(o.get("id")) && !value.startsWith("stdio")) {
            return;
        }
        kept.add("-chardev");
        String with = withAbsolutePaths(value);
        // The destination must not empty the file that the source wrote.
        kept.add(value.startsWith("file,") && !o.containsKey("append") ? with + ",append=on" : with);
    }

    private void serial(String value) {
        if (value.startsWith("file:")) {
            String id = "ferry-serial" + kept.size();
            kept.add("-chardev");
            kept.add("file,id=" + id + ",path=" + absolute(value.substring(5)) + ",append=on");
            kept.add("-serial");
            kept.add("chardev:" + id);
            return;
        }
        if (value.equals("stdio") || value.startsWith("mon:")) {
            throw refused("-serial " + value, "a terminal cannot travel; use -serial file:PATH or a socket");
        }
        kept.add("-serial");
        kept.add(value);
    }

    private String withAbsolutePaths(String value) {
        if (value.startsWith("{")) {
            return value;
        }
        List<String> parts = new ArrayList<>();
        for (String part : value.split(",", -1)) {
            int eq = part.indexOf('=');
            boolean path = eq > 0 && PATH_KEYS.contains(part.substring(0, eq));
            parts.add(path ? part.substring(0, eq + 1) + absolute(part.substring(eq + 1)) : part);
        }
        return String.join(",", parts);
    }

    private String absolute(String path) {
        // Leaves protocols (nbd:, json:) alone.
        return path.isEmpty() || path.startsWith("/") || path.matches("[a-z]+:.*")
                ? path
                : directory.resolve(path).toString();
    }

    private static Map<String, String> options(String value) {
        Map<String, String> options = new HashMap<>();
        for (String part : value.split(",", -1)) {
            int eq = part.indexOf('=');
            if (eq > 0) {
                options.put(part.substring(0, eq), part.substring(eq + 1));
            } else {
                options.putIfAbsent("", part);
            }
        }
        return options;
    }

    private FerryException refused(String what, String why) {
        return new FerryException(
                ErrorCategory.FAILED_PRECONDITION, "guest " + name + " was started with " + what + ": " + why);
    }
}
