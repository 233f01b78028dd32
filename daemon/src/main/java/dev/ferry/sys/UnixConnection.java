package dev.ferry.sys;

import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * A connected unix stream socket that can pass descriptors (SCM_RIGHTS) and knows its peer (SO_PEERCRED). One reader thread
 * and one writer thread at a time may use it; close wakes both.
 */
public final class UnixConnection implements AutoCloseable {
    public record PeerCredentials(int pid, int uid, int gid) {}

    private static final int BUFFER_BYTES = 64 * 1024;
    private static final int SHUT_RDWR = 2;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int CREDENTIALS_SIZE = 12;

    private final String path;
    private final Fd fd;
    private final ByteBuffer incoming = NativeBuffer.allocate(BUFFER_BYTES);
    private final long incomingAddress = NativeBuffer.address(incoming);
    private final ByteBuffer outgoing = NativeBuffer.allocate(BUFFER_BYTES);
    private final long outgoingAddress = NativeBuffer.address(outgoing);
    private final DescriptorMessage message = new DescriptorMessage();

    UnixConnection(String path, Fd fd) {
        this.path = path;
        this.fd = fd;
    }

    /** NOT_FOUND: no such path; UNAVAILABLE: nobody listens. Paths over 107 bytes work too (by /proc/self/fd of the socket). */
    public static UnixConnection connect(String path, Duration limit) {
        return new UnixConnection(path, UnixSocket.connect(path, limit));
    }

    /** Who called listen(2) there, as it was then. */
    public PeerCredentials peerCredentials() {
        ByteBuffer answer = UnixSocket.option(fd, UnixSocket.SO_PEERCRED, CREDENTIALS_SIZE);
        return new PeerCredentials(answer.getInt(0), answer.getInt(4), answer.getInt(8));
    }

    /** Blocks; the number of bytes read, −1 at the end of the stream or after close. */
    public int read(byte[] into, int offset, int length) {
        long result = fd.callUnlessClosed(Syscalls.READ, incomingAddress, Math.min(length, BUFFER_BYTES), 0, 0);
        if ((result == 0 && length > 0) || !fd.isOpen()) {
            return -1;
        }
        int count = Math.toIntExact(Syscalls.check(result, "read from " + path));
        incoming.get(0, into, offset, count);
        return count;
    }

    /** Writes everything; descriptors (may be none) travel with the first byte and stay open here. UNAVAILABLE: it is closed. */
    public void write(byte[] bytes, int offset, int length, Fd... descriptors) {
        if (descriptors.length > 0 && length == 0) {
            throw new IllegalArgumentException("descriptors need a byte to travel with");
        }
        int done = 0;
        while (done < length) {
            int count = Math.min(length - done, BUFFER_BYTES);
            outgoing.put(0, bytes, offset + done, count);
            Fd[] passengers = done == 0 ? descriptors : DescriptorMessage.NONE;
            long result = send(message.prepare(outgoingAddress, count, passengers));
            done += Math.toIntExact(Syscalls.check(result, "sendmsg to " + path));
        }
    }

    private long send(long messageAddress) {
        return fd.callUnlessClosed(Syscalls.SENDMSG, messageAddress, MSG_NOSIGNAL, 0, -Errno.EPIPE);
    }

    /** Shuts the connection down first, so that a reader or writer in the kernel comes back; the last of them closes. */
    @Override
    public void close() {
        fd.callUnlessClosed(Syscalls.SHUTDOWN, SHUT_RDWR, 0, 0, 0);
        fd.close();
    }
}
