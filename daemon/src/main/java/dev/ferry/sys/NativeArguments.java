package dev.ferry.sys;

import java.nio.ByteBuffer;

/**
 * Off-heap room for the argument struct of one system call, one per thread and never freed before the thread ends, so that
 * hot calls allocate nothing. Whoever fills it makes the call before anything else may fill it again.
 */
final class NativeArguments {
    static final int SIZE_BYTES = 512;

    private static final ThreadLocal<NativeArguments> OF_THREAD = ThreadLocal.withInitial(NativeArguments::new);

    final ByteBuffer bytes = NativeBuffer.allocate(SIZE_BYTES);
    final long address = NativeBuffer.address(bytes);

    private NativeArguments() {}

    static NativeArguments get() {
        return OF_THREAD.get();
    }
}
