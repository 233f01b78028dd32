package dev.ferry.sys;

import java.time.Duration;

/**
 * A connected unix stream socket that can pass descriptors (SCM_RIGHTS) and knows its peer (SO_PEERCRED). One reader thread
 * and one writer thread at a time may use it; close wakes both.
 */
public final class UnixConnection implements AutoCloseable {
    public record PeerCredentials(int pid, int uid, int gid) {}

    /** NOT_FOUND: no such path; UNAVAILABLE: nobody listens. Paths over 107 bytes work too (by /proc/self/fd of the directory). */
    public static UnixConnection connect(String path, Duration limit) {
        throw new UnsupportedOperationException("skeleton");
    }

    public PeerCredentials peerCredentials() {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Blocks; the number of bytes read, −1 at the end of the stream or after close. */
    public int read(byte[] into, int offset, int length) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Writes everything; descriptors (may be none) travel with the first byte and stay open here. */
    public void write(byte[] bytes, int offset, int length, Fd... descriptors) {
        throw new UnsupportedOperationException("skeleton");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("skeleton");
    }
}
