package dev.ferry.sys;

import java.nio.ByteBuffer;

/** Addresses of direct buffers, for system calls. The caller keeps the buffer reachable while the address is in use. */
public final class NativeBuffer {
    private NativeBuffer() {}

    /** A zeroed direct buffer in native order, page-aligned if {@code size} is 4096 or more. */
    public static ByteBuffer allocate(int size) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Address of the byte at index 0 (not the position) of a direct buffer or mapped buffer. */
    public static long address(ByteBuffer direct) {
        throw new UnsupportedOperationException("skeleton");
    }
}
