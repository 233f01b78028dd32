package dev.ferry.sys;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** Sends one datagram to a unix socket, with descriptors (SCM_RIGHTS): how sd_notify(3) talks to a service manager. */
public final class NotifySocket {
    private static final int MSG_NOSIGNAL = 0x4000;

    private NotifySocket() {}

    /**
     * Blocks while the receiver has no room, at most as long as the limit. The descriptors stay open here.
     *
     * @param address a path, or an abstract name behind {@code @}
     */
    public static void send(String address, String text, Duration limit, Fd... descriptors) {
        ByteBuffer data = NativeBuffer.allocate(Math.max(1, text.length() * 4));
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        data.put(0, bytes);
        DescriptorMessage header = new DescriptorMessage();
        try (Fd socket = UnixSocket.connectDatagram(address, limit)) {
            long message = header.prepare(NativeBuffer.address(data), bytes.length, descriptors);
            Syscalls.check(socket.call(Syscalls.SENDMSG, message, MSG_NOSIGNAL, 0), "sendmsg to " + address);
        } finally {
            // The kernel reads from them during the call.
            Reference.reachabilityFence(header);
            Reference.reachabilityFence(data);
        }
    }
}
