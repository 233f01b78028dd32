package dev.ferry.client;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** How a connection over TCP is secured: by the files of a directory, unless it is said that it is not. Never found out by trying. */
final class TlsChoice {
    static final String OFF = "off";
    private static final String VARIABLE = "FERRY_TLS";
    private static final Path OF_THE_HOST = Path.of("/etc/ferry/client");

    private TlsChoice() {}

    /**
     * The directory; empty: without TLS.
     *
     * @param option what --tls says; null: nothing
     * @throws UsageException nothing is said and nothing is where it is looked for
     */
    static Optional<Path> of(String option, Map<String, String> environment) {
        String said = option == null ? environment.getOrDefault(VARIABLE, "") : option;
        if (said.equals(OFF)) {
            return Optional.empty();
        }
        if (!said.isEmpty()) {
            try {
                return Optional.of(Path.of(said));
            } catch (InvalidPathException e) {
                throw new UsageException("--tls: '" + said + "' is no path: " + e.getReason(), e);
            }
        }
        String home = environment.getOrDefault("HOME", "");
        String config = environment.getOrDefault("XDG_CONFIG_HOME", home.isEmpty() ? "" : home + "/.config");
        Path own = Path.of(config, "ferry", "tls");
        return Optional.of(Stream.of(own, OF_THE_HOST)
                .filter(Path::isAbsolute)
                .filter(Files::isDirectory)
                .findFirst()
                .orElseThrow(() -> new UsageException(
                        "over TCP ferryd knows a client by its certificate, and there is none in " + own + " nor in "
                                + OF_THE_HOST
                                + ": --tls DIR (or FERRY_TLS) names the directory with ca.crt, client.crt and client.key,"
                                + " which \"ferry tls init --client NAME\" makes. A ferryd with [tls] mode = \"off\""
                                + " is reached with --tls off",
                        null)));
    }
}
