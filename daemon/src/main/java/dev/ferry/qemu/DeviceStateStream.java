package dev.ferry.qemu;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Makes what xen-save-devices-state writes into a migration stream that -incoming accepts (QEMU migration/savevm.c): a
 * configuration section with the machine type after the header, a VM description at the end. No RAM is in it.
 */
final class DeviceStateStream {
    private static final int MAGIC = 0x5145564d; // "QEVM"
    private static final int VERSION = 3;
    private static final byte CONFIGURATION = 0x07;
    private static final byte VMDESCRIPTION = 0x06;
    private static final byte[] EMPTY_DESCRIPTION = "{}".getBytes(StandardCharsets.US_ASCII);
    private static final int HEADER_BYTES = 8;

    private DeviceStateStream() {}

    /** @param machine versioned, without "-machine" */
    static byte[] toMigration(byte[] saved, String machine) {
        ByteBuffer in = ByteBuffer.wrap(saved);
        if (saved.length <= HEADER_BYTES || in.getInt() != MAGIC || in.getInt() != VERSION) {
            throw new FerryException(
                    ErrorCategory.UNIMPLEMENTED,
                    "the device state of " + saved.length + " bytes is not a QEMU stream of version " + VERSION);
        }
        byte[] name = machine.getBytes(StandardCharsets.US_ASCII);
        ByteBuffer out = ByteBuffer.allocate(saved.length + 5 + name.length + 5 + EMPTY_DESCRIPTION.length);
        out.put(saved, 0, HEADER_BYTES);
        out.put(CONFIGURATION).putInt(name.length).put(name);
        out.put(saved, HEADER_BYTES, saved.length - HEADER_BYTES);
        out.put(VMDESCRIPTION).putInt(EMPTY_DESCRIPTION.length).put(EMPTY_DESCRIPTION);
        return out.array();
    }
}
