package dev.ferry.sys;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** socket(2), connect(2) and socket options of unix sockets. */
final class UnixSocket {
    static final int SO_PEERCRED = 17;
    private static final int SO_SNDTIMEO = 21;
    private static final int SOL_SOCKET = 1;
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM_CLOEXEC = 1 | 0x80000;
    private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
    private static final int O_PATH = 0x200000;

    /** struct sockaddr_un: family (2 bytes), path with its NUL. */
    private static final int ADDRESS_PATH = 2;

    private static final int ADDRESS_SIZE = 110;
    private static final int PATH_LIMIT = ADDRESS_SIZE - ADDRESS_PATH - 1;

    private UnixSocket() {}

    static Fd connect(String path, Duration limit) {
        Fd socket = Fd.own(Syscalls.call(Syscalls.SOCKET, AF_UNIX, SOCK_STREAM_CLOEXEC, 0), "socket(AF_UNIX)");
        try {
            // A unix socket connects at once or waits for room in the backlog, as long as the send limit says.
            setSendLimit(socket, limit);
            if (path.getBytes(StandardCharsets.UTF_8).length <= PATH_LIMIT) {
                connect(socket, path, path, limit);
            } else {
                try (Fd file = Fd.open(path, O_PATH, 0)) {
                    connect(socket, "/proc/self/fd/" + file.raw(), path, limit);
                }
            }
            setSendLimit(socket, Duration.ZERO);
            return socket;
        } catch (RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /** @param address a path, or an abstract name behind {@code @}. The limit is for what is sent on it, too. */
    static Fd connectDatagram(String address, Duration limit) {
        Fd socket =
                Fd.own(Syscalls.call(Syscalls.SOCKET, AF_UNIX, SOCK_DGRAM_CLOEXEC, 0), "socket(AF_UNIX, SOCK_DGRAM)");
        try {
            setSendLimit(socket, limit);
            if (address.startsWith("@")) {
                // An abstract name has no end but the address's.
                connect(socket, ("\0" + address.substring(1)).getBytes(StandardCharsets.UTF_8), address, limit);
            } else {
                connect(socket, address, address, limit);
            }
            return socket;
        } catch (RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    private static void connect(Fd socket, String shortPath, String path, Duration limit) {
        connect(socket, (shortPath + "\0").getBytes(StandardCharsets.UTF_8), path, limit);
    }

    private static void connect(Fd socket, byte[] name, String path, Duration limit) {
        if (name.length > ADDRESS_SIZE - ADDRESS_PATH) {
            throw new SysException("connect to " + path, Errno.ENAMETOOLONG);
        }
        NativeArguments arguments = NativeArguments.get();
        arguments.bytes.putShort(0, (short) AF_UNIX).put(ADDRESS_PATH, name);
        long result = socket.call(Syscalls.CONNECT, arguments.address, ADDRESS_PATH + name.length, 0);
        if (result == -Errno.EAGAIN) {
            throw new SysException("connect to " + path + " within " + limit, Errno.ETIMEDOUT);
        }
        Syscalls.check(result, "connect to " + path);
    }

    /** struct timeval; zero means no limit. */
    private static void setSendLimit(Fd socket, Duration limit) {
        NativeArguments arguments = NativeArguments.get();
        arguments.bytes.putLong(0, limit.toSeconds()).putLong(8, limit.toNanosPart() / 1000);
        int raw = socket.acquire();
        try {
            long result = Syscalls.call(Syscalls.SETSOCKOPT, raw, SOL_SOCKET, SO_SNDTIMEO, arguments.address, 16, 0);
            Syscalls.check(result, "setsockopt(SO_SNDTIMEO)");
        } finally {
            socket.release();
        }
    }

    /** The answer, at index 0 of this thread's arguments. */
    static ByteBuffer option(Fd socket, int option, int size) {
        NativeArguments arguments = NativeArguments.get();
        int lengthAt = size;
        arguments.bytes.putInt(lengthAt, size);
        int raw = socket.acquire();
        try {
            long length = arguments.address + lengthAt;
            long result = Syscalls.call(Syscalls.GETSOCKOPT, raw, SOL_SOCKET, option, arguments.address, length, 0);
            Syscalls.check(result, "getsockopt(" + option + ")");
        } finally {
            socket.release();
        }
        return arguments.bytes;
    }
}
