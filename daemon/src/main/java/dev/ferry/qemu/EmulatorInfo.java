package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a QEMU binary says of itself, asked once for each version of the file. Thread-safe. */
record EmulatorInfo(String version, Set<String> machines) {
    private static final Pattern VERSION = Pattern.compile("version (\\d{1,9}\\.\\d{1,9}\\.\\d{1,9})");
    private static final Pattern NUMBERS = Pattern.compile("\\d{1,9}(\\.\\d{1,9}){0,3}");
    private static final Map<String, EmulatorInfo> KNOWN = new ConcurrentHashMap<>();

    /** NOT_FOUND when it cannot be run, or is no QEMU. */
    static EmulatorInfo of(Path file) {
        try {
            String key = file + "@" + Files.getLastModifiedTime(file);
            return KNOWN.computeIfAbsent(key, k -> ask(file.toString()));
        } catch (IOException | UncheckedIOException e) {
            throw new FerryException(ErrorCategory.NOT_FOUND, "QEMU " + file + " cannot be run: " + e.getMessage(), e);
        }
    }

    /** Negative if a is older. Numbers compare as numbers; INVALID_ARGUMENT for what is no version: the peer says one of them. */
    static int compareVersions(String a, String b) {
        String[] left = numbers(a);
        String[] right = numbers(b);
        for (int i = 0; i < Math.min(left.length, right.length); i++) {
            int c = Integer.compare(Integer.parseInt(left[i]), Integer.parseInt(right[i]));
            if (c != 0) {
                return c;
            }
        }
        return 0;
    }

    private static String[] numbers(String version) {
        if (!NUMBERS.matcher(version).matches()) {
            throw new FerryException(ErrorCategory.INVALID_ARGUMENT, "'" + version + "' is no version of QEMU");
        }
        return version.split("\\.", -1);
    }

    private static EmulatorInfo ask(String binary) {
        Matcher version = VERSION.matcher(EmulatorOutput.of(binary, "--version"));
        if (!version.find()) {
            throw new FerryException(ErrorCategory.NOT_FOUND, binary + " does not say which QEMU it is");
        }
        Set<String> machines = new HashSet<>();
        EmulatorOutput.of(binary, "-machine", "help").lines().skip(1).forEach(line -> {
            int space = line.indexOf(' ');
            if (space > 0) {
                machines.add(line.substring(0, space));
            }
        });
        return new EmulatorInfo(version.group(1), machines);
    }
}
