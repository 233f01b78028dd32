package dev.ferry.client;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Where ferryd is: {@code unix:PATH} or {@code HOST:PORT}. */
record Endpoint(String text) {
    static final String DEFAULT = "unix:/run/ferry/control.sock";

    static Endpoint parse(String given) {
        boolean unix = given.startsWith("unix:") && given.length() > 5;
        if (!unix && !given.matches("(\\[[0-9a-fA-F:]+\\]|[^:/\\s]+):\\d{1,5}")) {
            throw new UsageException("endpoint '" + given + "': write unix:PATH or HOST:PORT");
        }
        return new Endpoint(given);
    }

    Optional<Path> socket() {
        return text.startsWith("unix:") ? Optional.of(Path.of(text.substring(5))) : Optional.empty();
    }

    /** What is wrong with it, as far as that shows before a call. */
    Optional<String> problem() {
        return socket().filter(p -> !Files.exists(p))
                .map(p -> "there is no socket " + p
                        + ": is ferryd running, and is this its control address (--endpoint)?");
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
