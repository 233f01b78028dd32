package dev.ferry.qemu;

import java.nio.file.Path;
import java.util.Map;

/**
 * What a definition may not know because it differs from host to host; from the daemon's configuration.
 *
 * @param guestsDir one directory a guest below it: QMP and incoming sockets, pid file, log; on tmpfs
 * @param ramDir where RAM files of arriving guests are made: tmpfs or hugetlbfs
 * @param emulator the QEMU binary to use instead of the definition's, or empty
 * @param values {@code ${KEY}} in a definition's arguments becomes the value, for example a tap device's name
 * @param user whom QEMU runs as; empty: as the daemon
 * @param paths prefix replacements for the paths in an adopted guest's arguments
 */
public record HostProfile(
        Path guestsDir,
        Path ramDir,
        String emulator,
        String user,
        Map<String, String> values,
        Map<String, String> paths) {}
