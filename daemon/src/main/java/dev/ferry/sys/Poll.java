package dev.ferry.sys;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

/** poll(2) on one or two descriptors, time limit kept over signals. Allocates nothing. */
final class Poll {
    private static final short IN = 1;
    /** POLLERR, POLLHUP, POLLNVAL. */
    private static final int FAILED = 0x8 | 0x10 | 0x20;

    private static final int SECOND = 16;

    /** struct pollfd: fd (4 bytes), events (2), revents (2). */
    private static final int ENTRY_SIZE = 8;

    private static final int EVENTS = 4;
    private static final int RESULTS = 6;
    /** Behind the ioctl structs, which begin at 0 of the thread's arguments. */
    private static final int AT = NativeArguments.SIZE_BYTES - 2 * ENTRY_SIZE;

    private Poll() {}

    /**
     * @param second −1: none (poll passes over negative descriptors)
     * @param timeoutMs −1: none
     * @return 0: the limit passed; otherwise to be asked by the methods below
     */
    static int await(int first, int second, long timeoutMs) {
        NativeArguments arguments = NativeArguments.get();
        ByteBuffer bytes = arguments.bytes;
        bytes.putInt(AT, first).putShort(AT + EVENTS, IN).putShort(AT + RESULTS, (short) 0);
        int next = AT + ENTRY_SIZE;
        bytes.putInt(next, second).putShort(next + EVENTS, IN).putShort(next + RESULTS, (short) 0);
        long deadlineNs = timeoutMs < 0 ? 0 : System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
        long leftMs = timeoutMs;
        while (true) {
            long result = Syscalls.call(Syscalls.POLL, arguments.address + AT, 2, leftMs);
            if (result != -Errno.EINTR) {
                Syscalls.check(result, "poll");
                return Short.toUnsignedInt(bytes.getShort(AT + RESULTS)) | bytes.getShort(next + RESULTS) << SECOND;
            }
            if (timeoutMs >= 0) {
                leftMs = Math.max(0, TimeUnit.NANOSECONDS.toMillis(deadlineNs - System.nanoTime()));
            }
        }
    }

    static boolean firstReadable(int ready) {
        return (ready & IN) != 0;
    }

    static boolean firstFailed(int ready) {
        return (ready & FAILED) != 0;
    }

    static boolean secondReady(int ready) {
        return ready >>> SECOND != 0;
    }
}
