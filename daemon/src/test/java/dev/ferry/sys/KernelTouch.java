package dev.ferry.sys;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/**
 * Touches memory from inside a system call. A Java thread may wait for a page there (it is outside the JVM, so no safepoint
 * waits for it), and nowhere else.
 */
final class KernelTouch {
    private KernelTouch() {}

    /** Writes: the kernel copies {@code bytes} to the address. */
    static void write(long address, byte[] bytes) {
        try (RamFile file = MemFd.create("touch", bytes.length)) {
            ByteBuffer copy = NativeBuffer.allocate(bytes.length);
            copy.put(0, bytes);
            file.write(0, NativeBuffer.address(copy), bytes.length);
            file.read(0, address, bytes.length);
        }
    }

    /** One byte, for tests that count pages. */
    static void write(long address) {
        write(address, new byte[] {1});
    }

    /** Reads: the kernel copies from the address. */
    static byte[] read(long address, int lengthBytes) {
        try (RamFile file = MemFd.create("touch", lengthBytes)) {
            file.write(0, address, lengthBytes);
            ByteBuffer copy = NativeBuffer.allocate(lengthBytes);
            file.read(0, NativeBuffer.address(copy), lengthBytes);
            byte[] bytes = new byte[lengthBytes];
            copy.get(0, bytes);
            return bytes;
        }
    }

    /** The same on a thread of its own, which waits for the page. */
    static CompletableFuture<byte[]> readLater(long address, int lengthBytes) {
        return onThread(() -> read(address, lengthBytes));
    }

    private static CompletableFuture<byte[]> onThread(java.util.function.Supplier<byte[]> work) {
        CompletableFuture<byte[]> result = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                result.complete(work.get());
            } catch (RuntimeException e) {
                result.completeExceptionally(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        return result;
    }
}
