package dev.ferry.sys;

import java.nio.ByteBuffer;

/** struct msghdr of one buffer and, behind it, descriptors as SCM_RIGHTS (sendmsg(2), cmsg(3), unix(7)). One thread at a time. */
final class DescriptorMessage {
    static final Fd[] NONE = new Fd[0];
    /** The kernel's own limit, SCM_MAX_FD. */
    private static final int MAX_DESCRIPTORS = 253;

    private static final int IOV = 16;
    private static final int IOV_COUNT = 24;
    private static final int CONTROL = 32;
    private static final int CONTROL_LENGTH = 40;
    private static final int HEADER_SIZE = 56;
    private static final int IOV_AT = HEADER_SIZE;
    private static final int CONTROL_AT = IOV_AT + 16;
    private static final int CONTROL_HEADER_SIZE = 16;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;

    private final ByteBuffer bytes =
            NativeBuffer.allocate(CONTROL_AT + CONTROL_HEADER_SIZE + (MAX_DESCRIPTORS + 1) * Integer.BYTES);
    private final long address = NativeBuffer.address(bytes);

    /** The message's address, good until the next call. The caller keeps the descriptors open until it is sent. */
    long prepare(long dataAddress, long dataLength, Fd[] descriptors) {
        if (descriptors.length > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException(descriptors.length + " descriptors in one message");
        }
        bytes.putLong(IOV, address + IOV_AT).putLong(IOV_COUNT, 1);
        bytes.putLong(IOV_AT, dataAddress).putLong(IOV_AT + 8, dataLength);
        int length = CONTROL_HEADER_SIZE + descriptors.length * Integer.BYTES;
        boolean any = descriptors.length > 0;
        bytes.putLong(CONTROL, any ? address + CONTROL_AT : 0);
        bytes.putLong(CONTROL_LENGTH, any ? (length + 7) & ~7 : 0);
        bytes.putLong(CONTROL_AT, length).putInt(CONTROL_AT + 8, SOL_SOCKET).putInt(CONTROL_AT + 12, SCM_RIGHTS);
        for (int i = 0; i < descriptors.length; i++) {
            bytes.putInt(CONTROL_AT + CONTROL_HEADER_SIZE + i * Integer.BYTES, descriptors[i].raw());
        }
        return address;
    }
}
