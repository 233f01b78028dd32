package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.qemu.CommandLineOptions.Option;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Makes a definition of the command line of a running QEMU: what the guest sees stays, what belongs to this process of it
 * (monitors, RAM backing, logs, -incoming) goes. Used once, by one thread.
 */
final class CommandLineReader {
    /** Of this process only, or of its start. */
    private static final Set<String> DROPPED = Set.of(
            "qmp",
            "qmp-pretty",
            "monitor",
            "incoming",
            "S",
            "s",
            "gdb",
            "daemonize",
            "pidfile",
            "name",
            "D",
            "loadvm",
            "mem-path",
            "mem-prealloc",
            "preconfig",
            "mon");

    private static final Set<String> DESCRIPTOR_KEYS = Set.of("fd", "fds", "vhostfd", "vhostfds", "sock-fd");
    private static final Pattern DESCRIPTOR_IN_JSON =
            Pattern.compile("\"(fd|fds|vhostfd|vhostfds)\"\\s*:\\s*\"?[0-9]|\"type\"\\s*:\\s*\"fd\"");
    private static final Set<String> WINDOWS = Set.of("gtk", "sdl", "curses", "cocoa", "default");
    private static final Set<String> FREE_TEXT = Set.of("append", "uuid", "cpu", "trace", "d", "boot", "k", "rtc");

    private final String name;
    private final String emulator;
    private final String machine;
    private final CommandLinePaths paths;
    private final CommandLineMemory memory = new CommandLineMemory();
    private final List<Option> kept = new ArrayList<>();
    private final Set<String> monitorChardevs = new HashSet<>();
    private final List<String> accelerators = new ArrayList<>();
    private final StringBuilder machineOptions = new StringBuilder();
    private String cpu = "";
    private String smp = "1";
    private int serials;

    /** @param machine the versioned name, as QEMU tells it */
    CommandLineReader(String name, String emulator, String workingDirectory, String machine) {
        this.name = name;
        this.emulator = emulator;
        this.machine = machine;
        this.paths = new CommandLinePaths(workingDirectory);
    }

    /** @param commandLine with the program first, as in /proc/PID/cmdline */
    GuestDefinition read(List<String> commandLine) {
        List<Option> options = CommandLineOptions.parse(commandLine);
        requireOwnConsole(options);
        options.forEach(this::take);
        dropMonitorChardevs();
        kept.forEach(this::requireNoDescriptors);
        memory.requireAllUsed();
        List<GuestDefinition.Node> nodes = memory.nodes();
        long bytes = nodes.isEmpty()
                ? memory.memoryBytes()
                : nodes.stream().mapToLong(GuestDefinition.Node::memoryBytes).sum();
        return new GuestDefinition(
                name,
                emulator,
                machine + machineOptions,
                accelerators.isEmpty() ? "tcg" : String.join(":", accelerators),
                cpu,
                smp,
                bytes,
                nodes,
                memory.hugePageBytes(),
                memory.backing(),
                QemuArguments.escape(CommandLineOptions.toArguments(kept)));
    }

    /** -nographic puts serial port and monitor on a terminal that the guest would lose. */
    private void requireOwnConsole(List<Option> options) {
        boolean nographic = options.stream().anyMatch(o -> o.name().equals("nographic"));
        boolean serial = options.stream().anyMatch(o -> o.name().equals("serial"));
        boolean monitor =
                options.stream().anyMatch(o -> Set.of("monitor", "mon").contains(o.name()));
        if (nographic && !(serial && monitor)) {
            throw refusal(
                    "-nographic puts the serial port and the monitor on QEMU's terminal, which does not move: start "
                            + "the guest with -display none and an explicit -serial (for example -serial file:PATH) instead");
        }
    }

    private void take(Option option) {
        switch (option.name()) {
            case "mon" -> monitorChardev(QemuOption.parse(option.value()).implied("chardev"));
            case "qmp", "qmp-pretty", "monitor" -> {
                if (option.value().startsWith("chardev:")) {
                    monitorChardevs.add(option.value().substring("chardev:".length()));
                }
            }
            case "readconfig", "add-fd" ->
                throw refusal("-" + option.name() + " " + option.value()
                        + " cannot be carried over, because what it brings is outside "
                        + "the command line: start the guest with the same as plain options");
            case "m" -> memory.takeMemory(option.value()).ifPresent(rest -> kept.add(option.with(rest)));
            case "numa" -> keepUnless(memory.takeNuma(option.value()), option);
            case "object" -> keepUnless(memory.takeObject(option.value()), paths.absolute(option));
            case "machine" -> takeMachine(QemuOption.parse(option.value()));
            case "accel" -> accelerators.add(option.value());
            case "enable-kvm" -> accelerators.add("kvm");
            case "cpu" -> cpu = option.value();
            case "smp" -> smp = option.value();
            case "serial" -> takeSerial(option);
            case "chardev" -> kept.add(appending(paths.absolute(option)));
            case "display" -> kept.add(isWindow(option.value()) ? option.with("none") : option);
            default -> keepUnless(DROPPED.contains(option.name()), paths.absolute(option));
        }
    }

    private void keepUnless(boolean taken, Option option) {
        if (!taken) {
            kept.add(option);
        }
    }

    private void monitorChardev(Optional<String> id) {
        id.ifPresent(monitorChardevs::add);
    }

    private void takeMachine(QemuOption option) {
        option.value("accel").ifPresent(accelerators::add);
        option.value("memory-backend").ifPresent(memory::useBackend);
        QemuOption rest = option.withoutHead().without(Set.of("type", "accel", "memory-backend"));
        if (!rest.entries().isEmpty()) {
            machineOptions.append(',').append(rest);
        }
    }

    /** A file is appended to, so that what the guest wrote before its move stays. */
    private void takeSerial(Option option) {
        int number = serials++;
        if (option.value().equals("stdio") || option.value().startsWith("mon:")) {
            throw refusal("-serial " + option.value()
                    + " is a terminal, which does not move: use -serial file:PATH, or a " + "socket");
        }
        if (!option.value().startsWith("file:")) {
            kept.add(option);
            return;
        }
        String id = "ferry-serial" + number;
        String path = paths.absolute(option.value().substring("file:".length()));
        kept.add(new Option("chardev", "file,id=" + id + ",path=" + QemuOption.escape(path) + ",append=on"));
        kept.add(option.with("chardev:" + id));
    }

    private static Option appending(Option option) {
        QemuOption chardev = QemuOption.parse(option.value());
        boolean truncates = chardev.implied("backend").orElse("").equals("file")
                && chardev.value("append").isEmpty();
        return truncates ? option.with(chardev.plus("append", "on").toString()) : option;
    }

    private static boolean isWindow(String display) {
        return WINDOWS.contains(QemuOption.parse(display).implied("type").orElse(""));
    }

    /** Unless something else uses it too, such as a serial port through mux=on. */
    private void dropMonitorChardevs() {
        kept.removeIf(option -> {
            String id = chardevId(option);
            return monitorChardevs.contains(id) && kept.stream().noneMatch(o -> usesChardev(o, id));
        });
    }

    private static String chardevId(Option option) {
        return option.name().equals("chardev")
                ? QemuOption.parse(option.value()).value("id").orElse("")
                : "";
    }

    private static boolean usesChardev(Option option, String id) {
        String quoted = Pattern.quote(id);
        return option.value() != null
                && Pattern.compile("(^chardev:|chardev=|\"chardev\"\\s*:\\s*\")" + quoted + "($|[,\"])")
                        .matcher(option.value())
                        .find();
    }

    private void requireNoDescriptors(Option option) {
        if (option.value() == null || FREE_TEXT.contains(option.name())) {
            return;
        }
        boolean found = option.isJson()
                ? DESCRIPTOR_IN_JSON.matcher(option.value()).find()
                : QemuOption.parse(option.value()).entries().stream()
                        .anyMatch(e -> DESCRIPTOR_KEYS.contains(e.key())
                                || e.value().startsWith("/dev/fdset/")
                                || e.value().startsWith("fd:"));
        if (found) {
            throw refusal(
                    "-" + option.name() + " " + option.value() + " uses a descriptor that was passed to QEMU, and the "
                            + "other host has none: attach a destination QEMU that was started with its own (ferry guest attach "
                            + "--incoming), or name the device by path (for example -netdev tap,ifname=...)");
        }
    }

    private FerryException refusal(String what) {
        return new FerryException(ErrorCategory.FAILED_PRECONDITION, "guest " + name + ": " + what);
    }
}
