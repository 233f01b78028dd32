package dev.ferry.daemon;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells systemd how the daemon is: sd_notify(3). Says nothing where NOTIFY_SOCKET is not set; never fails. */
final class ServiceManager {
    private static final Logger LOG = LoggerFactory.getLogger(ServiceManager.class);
    private static final long LIMIT_MS = 500;

    private final String socket;

    /** @param socket NOTIFY_SOCKET: a path, or an abstract name behind {@code @}; null: nobody listens */
    ServiceManager(String socket) {
        this.socket = socket;
    }

    void ready() {
        send("READY=1\n");
    }

    /** Until {@link #reloaded}. */
    void reloading() {
        // Which clock it is is said there: CLOCK_MONOTONIC, which is what System.nanoTime is on Linux.
        send("RELOADING=1\nMONOTONIC_USEC=" + TimeUnit.NANOSECONDS.toMicros(System.nanoTime()) + "\n");
    }

    /** @param what became of it */
    void reloaded(String what) {
        send("READY=1\nSTATUS=" + what.replace('\n', ' ') + "\n");
    }

    void alive() {
        send("WATCHDOG=1\n");
    }

    /**
     * How often it wants to hear that this process lives, in ns; empty: not at all. sd_watchdog_enabled(3).
     *
     * @param environment has WATCHDOG_USEC, and WATCHDOG_PID if it is meant for one process only
     */
    static OptionalLong watchdogNs(Map<String, String> environment, long pid) {
        String usec = environment.getOrDefault("WATCHDOG_USEC", "");
        String meant = environment.getOrDefault("WATCHDOG_PID", "");
        if (usec.isEmpty() || !(meant.isEmpty() || meant.equals(Long.toString(pid)))) {
            return OptionalLong.empty();
        }
        try {
            return OptionalLong.of(TimeUnit.MICROSECONDS.toNanos(Long.parseUnsignedLong(usec)));
        } catch (NumberFormatException e) {
            LOG.warn("WATCHDOG_USEC is no number: {}", usec);
            return OptionalLong.empty();
        }
    }

    void stopping() {
        send("STOPPING=1\n");
    }

    private void send(String state) {
        if (socket == null || socket.isEmpty()) {
            return;
        }
        DomainSocketAddress to = new DomainSocketAddress(socket.startsWith("@") ? "\0" + socket.substring(1) : socket);
        MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("sd-notify", true), EpollIoHandler.newFactory());
        try {
            ChannelFuture connected = new Bootstrap()
                    .group(loop)
                    .channel(EpollDomainDatagramChannel.class)
                    .handler(new ChannelInboundHandlerAdapter())
                    .connect(to);
            if (succeeded(connected, state)) {
                succeeded(
                        connected.channel().writeAndFlush(Unpooled.copiedBuffer(state, StandardCharsets.UTF_8)), state);
            }
            connected.channel().close();
        } finally {
            loop.shutdownGracefully(0, LIMIT_MS, TimeUnit.MILLISECONDS);
        }
    }

    private boolean succeeded(ChannelFuture step, String state) {
        if (step.awaitUninterruptibly(LIMIT_MS) && step.isSuccess()) {
            return true;
        }
        LOG.warn("cannot tell {} {}: {}", socket, state.strip(), String.valueOf(step.cause()));
        return false;
    }
}
