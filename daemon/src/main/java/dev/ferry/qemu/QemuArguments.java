package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.qemu.GuestDefinition.Node;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The command line of a guest on this host. Pure. */
final class QemuArguments {
    private static final Pattern VARIABLE = Pattern.compile("\\$\\$\\{|\\$\\{([A-Za-z0-9_.-]+)\\}");

    private final GuestDefinition definition;
    private final HostProfile host;
    private final Path guestDirectory;
    private final boolean kvm;

    /** @param kvm whether /dev/kvm can be used here */
    QemuArguments(GuestDefinition definition, HostProfile host, Path guestDirectory, boolean kvm) {
        this.definition = definition;
        this.host = host;
        this.guestDirectory = guestDirectory;
        this.kvm = kvm;
    }

    /**
     * @param ramFiles one a node where RAM is a file; empty: as the definition's backing says
     * @param incoming add -S and -incoming defer
     */
    List<String> build(List<Path> ramFiles, boolean incoming) {
        List<String> argv = new ArrayList<>();
        argv.add(host.emulator().isEmpty() ? definition.emulator() : host.emulator());
        add(argv, "-name", definition.name());
        boolean numa = !definition.nodes().isEmpty();
        add(argv, "-machine", definition.machine() + (numa ? "" : ",memory-backend=ferry-ram0"));
        accelerators().forEach(accel -> add(argv, "-accel", accel));
        if (!definition.cpu().isEmpty()) {
            add(argv, "-cpu", definition.cpu());
        }
        add(argv, "-smp", definition.smp());
        add(argv, "-m", "size=" + (definition.memoryBytes() >> 10) + "k");
        List<Node> nodes = numa ? definition.nodes() : List.of(new Node(definition.memoryBytes(), ""));
        for (int i = 0; i < nodes.size(); i++) {
            add(argv, "-object", backend(i, nodes.get(i).memoryBytes(), ramFiles.isEmpty() ? null : ramFiles.get(i)));
            if (numa) {
                add(argv, "-numa", "node,nodeid=" + i + cpus(nodes.get(i)) + ",memdev=ferry-ram" + i);
            }
        }
        add(argv, "-qmp", "unix:" + guestDirectory.resolve("qmp.sock") + ",server=on,wait=off");
        add(argv, "-qmp", "unix:" + guestDirectory.resolve("monitor.sock") + ",server=on,wait=off");
        add(argv, "-pidfile", guestDirectory.resolve("pid").toString());
        if (incoming) {
            argv.add("-S");
            add(argv, "-incoming", "defer");
        }
        boolean kernelCommandLine = false;
        for (String argument : definition.arguments()) {
            argv.add(withValues(kernelCommandLine ? argument : withLocalPaths(argument)));
            kernelCommandLine = argument.equals("-append");
        }
        return argv;
    }

    /** KVM alone is left in where there is none, so that QEMU says so. */
    private List<String> accelerators() {
        List<String> all = List.of(definition.accel().split(":", -1));
        List<String> possible = all.stream()
                .filter(a -> kvm || !(a.equals("kvm") || a.startsWith("kvm,")))
                .toList();
        return possible.isEmpty() ? all : possible;
    }

    /** Each range is a key of its own: a comma would end it. */
    private static String cpus(Node node) {
        return Stream.of(node.cpus().split(","))
                .map(String::strip)
                .filter(range -> !range.isEmpty())
                .map(range -> ",cpus=" + range)
                .collect(Collectors.joining());
    }

    /** So that a dollar and brace of somebody else's command line means itself. */
    static List<String> escape(List<String> arguments) {
        return arguments.stream().map(a -> a.replace("${", "$${")).toList();
    }

    private String backend(int node, long bytes, Path file) {
        String common = ",id=ferry-ram" + node + ",size=" + bytes;
        if (file != null) {
            return "memory-backend-file" + common + ",share=on,mem-path=" + file;
        }
        String huge = definition.hugePageBytes() > 0 ? ",hugetlb=on,hugetlbsize=" + definition.hugePageBytes() : "";
        return switch (definition.backing()) {
            case "memfd" -> "memory-backend-memfd" + common + ",share=on" + huge;
            default ->
                definition.hugePageBytes() > 0
                        ? "memory-backend-memfd" + common + ",share=off" + huge
                        : "memory-backend-ram" + common;
        };
    }

    /** Variables as this host has them; two dollars before a brace are one plain dollar. */
    private String withValues(String argument) {
        Map<String, String> values = new HashMap<>(host.values());
        values.put("guest_dir", guestDirectory.toString());
        values.put("name", definition.name());
        return VARIABLE.matcher(argument).replaceAll(match -> {
            String key = match.group(1);
            String value = key == null ? "${" : values.get(key);
            if (value == null) {
                throw new FerryException(
                        ErrorCategory.FAILED_PRECONDITION,
                        "guest " + definition.name() + " needs ${" + key
                                + "}: set it in [guests.values] of this host's configuration");
            }
            return Matcher.quoteReplacement(value);
        });
    }

    /** Once each, the longest prefix that fits, only where a path begins, and whole names: /vm is not the beginning of /vmx. */
    private String withLocalPaths(String argument) {
        if (host.paths().isEmpty()) {
            return argument;
        }
        String prefixes = host.paths().keySet().stream()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .map(Pattern::quote)
                .collect(Collectors.joining("|"));
        return Pattern.compile("(?<=^|[=:,\"])(" + prefixes + ")(?=$|[/,\"]|(?<=/))")
                .matcher(argument)
                .replaceAll(match -> Matcher.quoteReplacement(host.paths().get(match.group(1))));
    }

    private static void add(List<String> argv, String option, String value) {
        argv.add(option);
        argv.add(value);
    }
}
