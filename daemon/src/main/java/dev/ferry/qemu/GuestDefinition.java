package dev.ferry.qemu;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.List;

/**
 * How to start a guest's QEMU on any host: everything but RAM backing, monitors, -incoming and -S, which the daemon adds.
 * Travels as JSON with the guest; people write it as TOML.
 *
 * @param emulator path or name of the QEMU binary
 * @param machine versioned where it travels, with its options but without memory-backend: "pc-q35-7.2,usb=off"
 * @param accel for example "kvm:tcg": the first that works
 * @param cpu -cpu, or empty
 * @param smp -smp as written, for example "4" or "4,sockets=2"
 * @param memoryBytes of all nodes
 * @param nodes NUMA nodes in order; empty: one block without -numa
 * @param hugePageBytes 0: ordinary pages
 * @param backing how RAM is made when the guest is <em>run</em> here: private, memfd or shared; an arriving guest always gets
 *     a shared file
 * @param arguments all other QEMU arguments in order; may contain ${KEY} (see HostProfile; ${guest_dir} and ${name} are built
 *     in)
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record GuestDefinition(
        String name,
        String emulator,
        String machine,
        String accel,
        String cpu,
        String smp,
        long memoryBytes,
        List<Node> nodes,
        long hugePageBytes,
        String backing,
        List<String> arguments) {
    private static final ObjectMapper JSON = new ObjectMapper();

    public GuestDefinition {
        GuestNames.check(name);
        if (emulator == null || machine == null || accel == null || cpu == null || smp == null || backing == null) {
            throw new FerryException(
                    ErrorCategory.INVALID_ARGUMENT,
                    "guest " + name + ": emulator, machine, accel, cpu, smp and backing have to be said");
        }
        nodes = nodes == null ? List.of() : List.copyOf(nodes);
        arguments = arguments == null ? List.of() : List.copyOf(arguments);
        long sum = sum(name, nodes);
        if (memoryBytes <= 0 || (!nodes.isEmpty() && sum != memoryBytes)) {
            throw new FerryException(
                    ErrorCategory.INVALID_ARGUMENT,
                    "guest " + name + ": memory is " + memoryBytes + " bytes, its nodes have " + sum);
        }
    }

    private static long sum(String name, List<Node> nodes) {
        try {
            long sum = 0;
            for (Node node : nodes) {
                if (node.memoryBytes() < 0) {
                    throw new ArithmeticException("a node of " + node.memoryBytes() + " bytes");
                }
                sum = Math.addExact(sum, node.memoryBytes());
            }
            return sum;
        } catch (ArithmeticException e) {
            throw new FerryException(
                    ErrorCategory.INVALID_ARGUMENT, "guest " + name + ": memory of its nodes: " + e.getMessage(), e);
        }
    }

    /** The same guest with this versioned machine type, its options kept. */
    GuestDefinition withMachine(String versioned) {
        int comma = machine.indexOf(',');
        String options = comma < 0 ? "" : machine.substring(comma);
        return new GuestDefinition(
                name,
                emulator,
                versioned + options,
                accel,
                cpu,
                smp,
                memoryBytes,
                nodes,
                hugePageBytes,
                backing,
                arguments);
    }

    /** @param cpus for example "0-1", or empty */
    public record Node(long memoryBytes, String cpus) {
        public Node {
            cpus = cpus == null ? "" : cpus;
        }
    }

    /** From a definition file; an error names file, line and key. */
    public static GuestDefinition fromToml(String text, String fileName) {
        return DefinitionToml.parse(text, fileName);
    }

    public String toToml() {
        return DefinitionToml.write(this);
    }

    /** INVALID_ARGUMENT for anything that is no definition. */
    public static GuestDefinition fromJson(String json) {
        try {
            GuestDefinition definition = JSON.readValue(json, GuestDefinition.class);
            if (definition == null) {
                throw new FerryException(ErrorCategory.INVALID_ARGUMENT, "not a guest definition: null");
            }
            return definition;
        } catch (JsonProcessingException e) {
            throw new FerryException(
                    ErrorCategory.INVALID_ARGUMENT, "not a guest definition: " + e.getOriginalMessage(), e);
        }
    }

    public String toJson() {
        try {
            return JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** From the command line of a running QEMU; FAILED_PRECONDITION with the option if one cannot be carried over. */
    public static GuestDefinition fromCommandLine(
            String name, String emulator, List<String> commandLine, String workingDirectory, String machine) {
        return new CommandLineReader(name, emulator, workingDirectory, machine).read(commandLine);
    }
}
