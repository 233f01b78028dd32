package dev.ferry.sys;

import com.kenai.jffi.MemoryIO;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.function.LongUnaryOperator;

/** Addresses of direct buffers, for system calls. The caller keeps the buffer reachable while the address is in use. */
public final class NativeBuffer {
    private static final int ALIGNMENT = 4096;

    private NativeBuffer() {}

    /** A zeroed direct buffer in native order, page-aligned if {@code size} is 4096 or more. */
    public static ByteBuffer allocate(int size) {
        if (size < ALIGNMENT) {
            return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
        }
        // A slice is aligned at both ends.
        ByteBuffer roomy = ByteBuffer.allocateDirect(Math.addExact(size, 2 * ALIGNMENT));
        return roomy.alignedSlice(ALIGNMENT).slice(0, size).order(ByteOrder.nativeOrder());
    }

    /** Address of the byte at index 0 (not the position) of a direct buffer or mapped buffer. */
    public static long address(ByteBuffer direct) {
        if (!direct.isDirect()) {
            throw new IllegalArgumentException("not a direct buffer: " + direct);
        }
        return MemoryIO.getInstance().getDirectBufferAddress(direct);
    }

    /** Memory of this process as a buffer in native order; not freed with it. */
    static ByteBuffer over(long address, int size) {
        return MemoryIO.getInstance().newDirectByteBuffer(address, size).order(ByteOrder.nativeOrder());
    }

    /** memcpy(3). */
    static void copy(long from, long to, long lengthBytes) {
        MemoryIO.getInstance().copyMemory(from, to, lengthBytes);
    }

    /** Calls with the address of a C string, which is good until the call returns. */
    static long withCString(String text, LongUnaryOperator call) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer buffer = ByteBuffer.allocateDirect(utf8.length + 1).put(0, utf8);
        try {
            return call.applyAsLong(address(buffer));
        } finally {
            Reference.reachabilityFence(buffer);
        }
    }
}
