package dev.ferry.client;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where ferryd is: {@code unix:PATH} or {@code HOST:PORT}. */
record Endpoint(String text) {
    static final String DEFAULT = "unix:/run/ferry/control.sock";

    private static final Pattern HOST_PORT = Pattern.compile("(?:\\[[0-9a-fA-F:.%]+\\]|[^:/\\s\\[\\]]+):(\\d{1,5})");
    private static final int LONGEST_SOCKET_PATH = 107;

    static Endpoint parse(String given) {
        if (given.startsWith("unix:") && given.length() > 5) {
            if (given.substring(5).getBytes(StandardCharsets.UTF_8).length > LONGEST_SOCKET_PATH) {
                throw new UsageException("endpoint '" + given + "': a socket's path has at most 107 bytes");
            }
        } else if (!hostPort(given)) {
            throw new UsageException("endpoint '" + given + "': write unix:PATH or HOST:PORT");
        }
        return new Endpoint(given);
    }

    static void requireHostPort(String option, String given) {
        if (!hostPort(given)) {
            throw new UsageException(option + " '" + given + "': write HOST:PORT");
        }
    }

    private static boolean hostPort(String given) {
        Matcher m = HOST_PORT.matcher(given);
        return m.matches() && Integer.parseInt(m.group(1)) >= 1 && Integer.parseInt(m.group(1)) <= 65535;
    }

    Optional<Path> socket() {
        return text.startsWith("unix:") ? Optional.of(Path.of(text.substring(5))) : Optional.empty();
    }

    /** What is wrong with it, as far as that shows before a call. */
    Optional<String> problem() {
        return socket().filter(p -> !Files.exists(p))
                .map(p -> "there is no socket " + p + ": ferryd does not run, or the path is wrong (--endpoint)");
    }

    ManagedChannel channel() {
        MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("ferry", true), EpollIoHandler.newFactory());
        NettyChannelBuilder builder = socket().map(
                        path -> NettyChannelBuilder.forAddress(new DomainSocketAddress(path.toString()))
                                .channelType(EpollDomainSocketChannel.class)
                                .overrideAuthority("localhost"))
                .orElseGet(() -> NettyChannelBuilder.forTarget(text).channelType(EpollSocketChannel.class));
        return builder.eventLoopGroup(loop).usePlaintext().build();
    }
}
