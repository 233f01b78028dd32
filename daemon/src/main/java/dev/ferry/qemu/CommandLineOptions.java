package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A QEMU command line taken apart, by qemu-options.def: which options have a value. Stateless. */
final class CommandLineOptions {
    /** @param name without dashes, "-M" and "--machine" as "machine"; empty: a disk image by itself. Value null: takes none */
    record Option(String name, String value) {
        Option with(String newValue) {
            return new Option(name, newValue);
        }

        boolean isJson() {
            return value != null && value.startsWith("{");
        }
    }

    private static final Set<String> WITHOUT_VALUE = Set.of(
            "S",
            "s",
            "daemonize",
            "enable-kvm",
            "enable-sync-profile",
            "full-screen",
            "jitdump",
            "localtime",
            "mem-prealloc",
            "no-acpi",
            "no-fd-bootchk",
            "no-hpet",
            "no-quit",
            "no-reboot",
            "no-shutdown",
            "no-user-config",
            "nodefaults",
            "nographic",
            "nouserconfig",
            "old-param",
            "only-migratable",
            "perfmap",
            "portrait",
            "preconfig",
            "sdl",
            "semihosting",
            "singlestep",
            "snapshot",
            "usb",
            "win2k-hack",
            "xen-attach",
            "xen-domid-restrict",
            "alt-grab",
            "ctrl-grab",
            "curses",
            "one-insn-per-tb");

    private CommandLineOptions() {}

    /** @param commandLine with the program's name first */
    static List<Option> parse(List<String> commandLine) {
        List<Option> options = new ArrayList<>();
        for (int i = 1; i < commandLine.size(); i++) {
            String word = commandLine.get(i);
            if (!word.startsWith("-") || word.length() == 1) {
                options.add(new Option("", word));
                continue;
            }
            String name = canonical(word.substring(word.startsWith("--") ? 2 : 1));
            if (WITHOUT_VALUE.contains(name)) {
                options.add(new Option(name, null));
            } else if (i + 1 < commandLine.size()) {
                options.add(new Option(name, commandLine.get(++i)));
            } else {
                throw new FerryException(
                        ErrorCategory.FAILED_PRECONDITION,
                        "the command line of QEMU ends in " + word
                                + ", which takes a value: attach a guest whose command " + "line is whole");
            }
        }
        return options;
    }

    private static String canonical(String name) {
        return name.equals("M") ? "machine" : name;
    }

    /** As arguments again. */
    static List<String> toArguments(List<Option> options) {
        List<String> arguments = new ArrayList<>();
        for (Option option : options) {
            if (!option.name().isEmpty()) {
                arguments.add("-" + option.name());
            }
            Optional.ofNullable(option.value()).ifPresent(arguments::add);
        }
        return arguments;
    }
}
