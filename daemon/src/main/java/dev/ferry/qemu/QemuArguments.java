package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.qemu.GuestDefinition.Node;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The command line of a guest on this host. Pure. */
final class QemuArguments {
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Za-z0-9_.-]+)\\}");

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
        for (String accel : definition.accel().split(":", -1)) {
            if (kvm || !accel.equals("kvm") || definition.accel().equals("kvm")) {
                add(argv, "-accel", accel);
            }
        }
        if (!definition.cpu().isEmpty()) {
            add(argv, "-cpu", definition.cpu());
        }
        add(argv, "-smp", definition.smp());
        add(argv, "-m", "size=" + (definition.memoryBytes() >> 10) + "k");
        List<Node> nodes = numa ? definition.nodes() : List.of(new Node(definition.memoryBytes(), ""));
        for (int i = 0; i < nodes.size(); i++) {
            add(argv, "-object", backend(i, nodes.get(i).memoryBytes(), ramFiles.isEmpty() ? null : ramFiles.get(i)));
            if (numa) {
                String cpus = nodes.get(i).cpus().isEmpty()
                        ? ""
                        : ",cpus=" + nodes.get(i).cpus();
                add(argv, "-numa", "node,nodeid=" + i + cpus + ",memdev=ferry-ram" + i);
            }
        }
        add(argv, "-qmp", "unix:" + guestDirectory.resolve("qmp.sock") + ",server=on,wait=off");
        add(argv, "-qmp", "unix:" + guestDirectory.resolve("monitor.sock") + ",server=on,wait=off");
        add(argv, "-pidfile", guestDirectory.resolve("pid").toString());
        if (incoming) {
            argv.add("-S");
            add(argv, "-incoming", "defer");
        }
        definition.arguments().forEach(a -> argv.add(local(a)));
        return argv;
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

    /** ${KEY} and path prefixes as this host has them. */
    private String local(String argument) {
        Map<String, String> values = new HashMap<>(host.values());
        values.put("guest_dir", guestDirectory.toString());
        values.put("name", definition.name());
        Matcher m = VARIABLE.matcher(argument);
        StringBuilder out = new StringBuilder();
        while (m.find()) {
            String value = values.get(m.group(1));
            if (value == null) {
                throw new FerryException(
                        ErrorCategory.FAILED_PRECONDITION,
                        "guest " + definition.name() + " needs ${" + m.group(1)
                                + "}: set it in [guests.values] of this host's configuration");
            }
            m.appendReplacement(out, Matcher.quoteReplacement(value));
        }
        String text = m.appendTail(out).toString();
        for (Map.Entry<String, String> path : host.paths().entrySet()) {
            // Only where a path begins: at the start, or behind = or :.
            text = text.replaceAll(
                    "(^|[=:])" + Pattern.quote(path.getKey()), "$1" + Matcher.quoteReplacement(path.getValue()));
        }
        return text;
    }

    private static void add(List<String> argv, String option, String value) {
        argv.add(option);
        argv.add(value);
    }
}
