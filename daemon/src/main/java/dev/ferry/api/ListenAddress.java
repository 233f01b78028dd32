package dev.ferry.api;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Addresses as the configuration writes them: {@code unix:/PATH}, {@code HOST:PORT}, {@code [IPV6]:PORT}. */
public final class ListenAddress {
    /** sockaddr_un has room for 108 bytes and a final zero. */
    private static final int LONGEST_PATH_BYTES = 107;

    private static final int LARGEST_PORT = 65_535;
    private static final String UNIX = "unix:";
    private static final Pattern HOST_PORT = Pattern.compile("(?:([A-Za-z0-9._-]+)|\\[([0-9A-Fa-f:.]+)]):([0-9]{1,5})");

    private ListenAddress() {}

    /**
     * An address to serve the API on: a socket file, or, because whoever reaches it may move guests, loopback, unless callers have certificates.
     *
     * @throws IllegalArgumentException what is wrong and what is allowed
     */
    public static SocketAddress control(String said, boolean isMutualTls) {
        if (said.startsWith(UNIX)) {
            return unix(said.substring(UNIX.length()));
        }
        InetSocketAddress address = hostPort(said);
        if (!isMutualTls && !address.getAddress().isLoopbackAddress()) {
            throw new IllegalArgumentException("\"" + said
                    + "\" is not loopback, and without TLS nobody is authenticated there: unix:/PATH, 127.0.0.1:PORT,"
                    + " or [tls] mode = \"mutual\"");
        }
        return address;
    }

    /** @throws IllegalArgumentException what is wrong and what is allowed */
    public static InetSocketAddress hostPort(String said) {
        Matcher m = HOST_PORT.matcher(said);
        if (!m.matches() || Integer.parseInt(m.group(3)) > LARGEST_PORT) {
            throw new IllegalArgumentException("\"" + said + "\" is not HOST:PORT or [IPV6]:PORT");
        }
        String host = m.group(1) != null ? m.group(1) : m.group(2);
        try {
            return new InetSocketAddress(InetAddress.getByName(host), Integer.parseInt(m.group(3)));
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("\"" + said + "\": no such host: " + host, e);
        }
    }

    /** As {@link #control} reads it, with the port that was bound. */
    static String text(SocketAddress address) {
        return address instanceof UnixDomainSocketAddress u ? UNIX + u.getPath() : text((InetSocketAddress) address);
    }

    /** As {@link #hostPort} reads it. */
    public static String text(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    private static UnixDomainSocketAddress unix(String path) {
        if (!path.startsWith("/")) {
            throw new IllegalArgumentException("\"" + UNIX + path + "\": the path must be absolute: unix:/PATH");
        }
        int bytes = path.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > LONGEST_PATH_BYTES) {
            throw new IllegalArgumentException("\"" + UNIX + path + "\": " + bytes + " bytes, the kernel takes "
                    + LONGEST_PATH_BYTES + " in a socket's path");
        }
        return UnixDomainSocketAddress.of(Path.of(path));
    }
}
