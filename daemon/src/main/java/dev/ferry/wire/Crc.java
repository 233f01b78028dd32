package dev.ferry.wire;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC32C (Castagnoli) of page data; an object a thread, nothing allocated but the view. */
final class Crc {
    private static final ThreadLocal<CRC32C> CRC = ThreadLocal.withInitial(CRC32C::new);

    private Crc() {}

    static int of(ByteBuffer data, int index, int length) {
        CRC32C crc = CRC.get();
        crc.reset();
        crc.update(data.slice(index, length));
        return (int) crc.getValue();
    }
}
