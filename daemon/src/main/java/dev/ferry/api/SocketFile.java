package dev.ferry.api;

import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** The file of a listening unix socket, before and after it is bound. */
final class SocketFile {
    private static final int TYPE_MASK = 0170000;
    private static final int SOCKET = 0140000;

    private SocketFile() {}

    /** Removes the socket that an ended process left; refuses when somebody listens on it or when it is no socket. */
    static void makeRoom(Path path) throws IOException {
        Path parent = path.getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        if ((mode & TYPE_MASK) != SOCKET) {
            throw new IOException(path + " exists and is no socket: remove it, or listen elsewhere");
        }
        try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            throw new IOException("another process listens on " + path + ": end it, or listen elsewhere");
        } catch (ConnectException e) {
            Files.delete(path);
        }
    }

    /**
     * A socket whose file nobody but the owner can use from its first moment on: bind(2) gives the file the mode of the
     * socket, less the umask (unix_bind_bsd in net/unix/af_unix.c). The umask itself belongs to all threads.
     */
    static EpollServerDomainSocketChannel closedToOthers() {
        EpollServerDomainSocketChannel channel = new EpollServerDomainSocketChannel();
        try {
            Path descriptor =
                    Path.of("/proc/self/fd", Integer.toString(channel.fd().intValue()));
            Files.setPosixFilePermissions(descriptor, PosixFilePermissions.fromString("rw-------"));
            return channel;
        } catch (IOException e) {
            channel.unsafe().closeForcibly();
            throw new UncheckedIOException("setting the mode of a socket", e);
        }
    }

    /** The group may connect, too. */
    static void openToGroup(Path path) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw----"));
    }
}
