package dev.ferry.precopy;

import java.nio.ByteBuffer;

/** Finds pages that hold only zeros. Stateless. */
public final class ZeroPages {
    private static final int CHUNK_BYTES = 1 << 16;
    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(CHUNK_BYTES);

    private ZeroPages() {}

    /** Whether {@code lengthBytes} from this index of the buffer are all zero. */
    public static boolean isZero(ByteBuffer buffer, int index, int lengthBytes) {
        // Most pages show it in their first bytes; the rest is vectorised by the JIT through mismatch.
        if (buffer.getLong(index) != 0) {
            return false;
        }
        for (int done = 0; done < lengthBytes; done += CHUNK_BYTES) {
            int step = Math.min(lengthBytes - done, CHUNK_BYTES);
            if (buffer.slice(index + done, step).mismatch(ZEROS.slice(0, step)) >= 0) {
                return false;
            }
        }
        return true;
    }
}
