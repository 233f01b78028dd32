package dev.ferry.qemu;

import java.util.List;

/**
 * How to start a guest's QEMU on any host: everything but RAM backing, monitors, -incoming and -S, which the daemon adds.
 * Travels as JSON with the guest; people write it as TOML.
 *
 * @param emulator path or name of the QEMU binary
 * @param machine versioned where it travels, with its options but without memory-backend: "pc-q35-7.2,usb=off"
 * @param accel for example "kvm:tcg"
 * @param cpu -cpu, or empty
 * @param smp -smp as written, for example "4" or "4,sockets=2"
 * @param memoryBytes of all nodes
 * @param nodes NUMA nodes in order; empty: one block without -numa
 * @param hugePageBytes 0: ordinary pages
 * @param backing how RAM is made when the guest is *run* here: private, memfd or shared; an arriving guest always gets a shared file
 * @param arguments all other QEMU arguments in order; may contain ${KEY} (see HostProfile; ${guest_dir} and ${name} are built in)
 */
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

    /** @param cpus for example "0-1" */
    public record Node(long memoryBytes, String cpus, List<String> options) {}

    /** From a definition file; an error names file, line and key. */
    public static GuestDefinition fromToml(String text, String fileName) {
        throw new UnsupportedOperationException("skeleton");
    }

    public String toToml() {
        throw new UnsupportedOperationException("skeleton");
    }

    public static GuestDefinition fromJson(String json) {
        throw new UnsupportedOperationException("skeleton");
    }

    public String toJson() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** From the command line of a running QEMU; FAILED_PRECONDITION with the option if one cannot be carried over. */
    public static GuestDefinition fromCommandLine(
            String name, String emulator, List<String> commandLine, String workingDirectory, String machine) {
        throw new UnsupportedOperationException("skeleton");
    }
}
