package dev.ferry.client;

import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Where a ferryd's control service listens. {@code toString} gives back what {@code parse} takes. */
sealed interface Endpoint {
    String DEFAULT = "unix:/run/ferry/control.sock";

    /** What sockaddr_un's sun_path holds beside its final zero (unix(7)). */
    int LONGEST_PATH_BYTES = 107;

    /** @throws IllegalArgumentException with a message for people */
    static Endpoint parse(String text) {
        return text.startsWith("unix:") ? unix(text) : new Tcp(tcp(text));
    }

    private static HostPort tcp(String text) {
        try {
            return HostPort.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    text.startsWith("/")
                            ? "'" + text + "': say unix:" + text
                            : "'" + text + "' is neither unix:PATH nor HOST:PORT",
                    e);
        }
    }

    private static Endpoint unix(String text) {
        String path = text.substring("unix:".length());
        // gRPC's own spelling of an absolute path.
        path = path.startsWith("///") ? path.substring(2) : path;
        if (path.isEmpty()) {
            throw new IllegalArgumentException("'" + text + "': the path is missing");
        }
        if (path.getBytes(StandardCharsets.UTF_8).length > LONGEST_PATH_BYTES) {
            throw new IllegalArgumentException(
                    "'" + text + "': a unix socket's path has at most " + LONGEST_PATH_BYTES + " bytes");
        }
        try {
            return new Unix(Path.of(path));
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("'" + text + "' is no path: " + e.getReason(), e);
        }
    }

    /** A unix socket on this host. */
    record Unix(Path path) implements Endpoint {
        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    /** TCP: with TLS, see {@link TlsChoice}. */
    record Tcp(HostPort address) implements Endpoint {
        @Override
        public String toString() {
            return address.toString();
        }
    }
}
