package dev.ferry.qemu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a command line says about guest RAM: -m, memory-backend objects, -numa node with memdev=, -mem-path. Filled by
 * {@link CommandLineReader}, on its thread; what it takes is not among the remaining arguments.
 */
final class CommandLineMemory {
    /** QEMU's own when -m is missing. */
    private static final long DEFAULT_BYTES = 128L << 20;

    private static final Set<String> HUGE_PAGE_DIRECTORIES = Set.of("/dev/hugepages", "/run/hugepages", "/mnt/huge");
    private static final Set<String> NODE_KEYS = Set.of("type", "nodeid", "cpus", "memdev");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, Map<String, String>> backends = new LinkedHashMap<>();
    private final Map<Integer, QemuOption> nodes = new TreeMap<>();
    private final Set<String> used = new HashSet<>();
    private OptionalLong memoryBytes = OptionalLong.empty();
    private boolean nodesByMem;

    /** What is left of -m for the arguments: slots and maxmem, which the guest sees. */
    Optional<String> takeMemory(String value) {
        QemuOption option = QemuOption.parse(value);
        option.implied("size").ifPresent(size -> memoryBytes = OptionalLong.of(bytes(size, "-m " + value)));
        QemuOption rest = option.withoutHead().without(Set.of("size"));
        return rest.entries().isEmpty() ? Optional.empty() : Optional.of(rest.toString());
    }

    /** Whether it is a memory backend, which is then taken. */
    boolean takeObject(String value) {
        Map<String, String> properties = properties(value);
        boolean isBackend = properties.getOrDefault("qom-type", "").startsWith("memory-backend-");
        if (isBackend) {
            backends.put(properties.getOrDefault("id", ""), properties);
        }
        return isBackend;
    }

    /** An object's properties; its type under qom-type in both forms. */
    static Map<String, String> properties(String value) {
        Map<String, String> properties = new LinkedHashMap<>();
        if (value.startsWith("{")) {
            JsonNode object = json(value);
            object.properties()
                    .forEach(f -> properties.put(f.getKey(), f.getValue().asText()));
            return properties;
        }
        QemuOption option = QemuOption.parse(value);
        option.entries().forEach(e -> properties.put(e.key(), e.value()));
        option.head().ifPresent(type -> properties.put("qom-type", type));
        return properties;
    }

    static JsonNode json(String value) {
        try {
            return JSON.readTree(value);
        } catch (JsonProcessingException e) {
            throw new FerryException(ErrorCategory.FAILED_PRECONDITION, "QEMU argument " + value + " is not JSON", e);
        }
    }

    void useBackend(String id) {
        used.add(id);
    }

    /** Whether it is a node whose RAM is a backend or that has none, which is then taken; mem= (old machine types) stays. */
    boolean takeNuma(String value) {
        QemuOption option = QemuOption.parse(value);
        if (!option.implied("type").orElse("").equals("node")) {
            return false;
        }
        if (option.value("mem").isPresent()) {
            nodesByMem = true;
            return false;
        }
        option.value("memdev").ifPresent(this::useBackend);
        int id = option.value("nodeid").map(CommandLineMemory::nodeId).orElse(nodes.size());
        nodes.put(id, option);
        return true;
    }

    private static int nodeId(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw refusal("-numa nodeid=" + text + " is no number");
        }
    }

    List<GuestDefinition.Node> nodes() {
        if (nodesByMem && !nodes.isEmpty()) {
            throw refusal("some -numa nodes have mem= and others do not: use memdev= for all of them");
        }
        List<GuestDefinition.Node> result = new ArrayList<>();
        for (Map.Entry<Integer, QemuOption> node : nodes.entrySet()) {
            if (node.getKey() != result.size()) {
                throw refusal("-numa node ids must count up from 0, there is no node " + result.size());
            }
            QemuOption option = node.getValue();
            long bytes = option.value("memdev").map(this::backendBytes).orElse(nodes.size() == 1 ? memoryBytes() : 0L);
            QemuOption others = option.withoutHead().without(NODE_KEYS);
            if (!others.entries().isEmpty()) {
                throw refusal("-numa node " + others + " cannot be carried over: start the guest without it");
            }
            result.add(new GuestDefinition.Node(bytes, String.join(",", option.values("cpus"))));
        }
        return result;
    }

    long memoryBytes() {
        return memoryBytes.orElse(DEFAULT_BYTES);
    }

    private long backendBytes(String id) {
        Map<String, String> backend = backends.get(id);
        if (backend == null || !backend.containsKey("size")) {
            throw refusal("-numa memdev=" + id + " has no memory-backend object with a size");
        }
        return bytes(backend.get("size"), "memory-backend " + id);
    }

    /** Backends that a device uses (pc-dimm, nvdimm, virtio-mem, ivshmem) could not be made again as guest RAM. */
    void requireAllUsed() {
        for (String id : backends.keySet()) {
            if (!used.contains(id)) {
                throw refusal(
                        "memory-backend object " + id + " is neither the machine's memory nor a NUMA node's: RAM of "
                                + "devices (pc-dimm, nvdimm, virtio-mem, ivshmem) is not carried over; start the guest without it");
            }
        }
    }

    long hugePageBytes() {
        long largest = 0;
        for (Map<String, String> backend : backends.values()) {
            String path = backend.getOrDefault("mem-path", "");
            if (isOn(backend.get("hugetlb")) && backend.containsKey("hugetlbsize")) {
                largest = Math.max(largest, bytes(backend.get("hugetlbsize"), "hugetlbsize"));
            } else if (isOn(backend.get("hugetlb"))
                    || HUGE_PAGE_DIRECTORIES.stream().anyMatch(d -> path.equals(d) || path.startsWith(d + "/"))) {
                largest = Math.max(largest, 2L << 20);
            }
        }
        return largest;
    }

    String backing() {
        String backing = "private";
        for (Map<String, String> backend : backends.values()) {
            String type = backend.get("qom-type");
            if (type.equals("memory-backend-memfd") && !"off".equals(backend.get("share"))) {
                backing = "memfd";
            } else if (type.equals("memory-backend-file") && isOn(backend.get("share"))) {
                return "shared";
            }
        }
        return backing;
    }

    private static boolean isOn(String value) {
        return "on".equals(value) || "true".equals(value) || "yes".equals(value);
    }

    /** -m counts in MiB, size= of an object in bytes. */
    private static long bytes(String size, String where) {
        try {
            return Sizes.parse(size, where.startsWith("-m ") ? 1L << 20 : 1);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw refusal(where + ": " + e.getMessage());
        }
    }

    private static FerryException refusal(String what) {
        return new FerryException(ErrorCategory.FAILED_PRECONDITION, what);
    }
}
