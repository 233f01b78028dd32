package dev.ferry.bench;

import dev.ferry.v1.DetachGuestRequest;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.Policy;
import dev.ferry.v1.RunGuestRequest;
import dev.ferry.v1.StartRequest;
import dev.ferry.v1.WatchRequest;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A real ferryd on one host, with its own directories, and the API to it. Closing it ends its guests as well. */
final class Daemon implements AutoCloseable {
    private static final int MOVE_SECONDS = 300;

    private final Path home;
    private final Process process;
    private final String peer;
    private final MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final ManagedChannel channel;

    private Daemon(Path home, Process process, String peer) {
        this.home = home;
        this.process = process;
        this.peer = peer;
        channel = NettyChannelBuilder.forAddress(
                        new DomainSocketAddress(home.resolve("run/control.sock").toString()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(loop)
                .overrideAuthority("localhost")
                .usePlaintext()
                .build();
    }

    /** Returns when it is ready. */
    static Daemon start(Lab lab, Path home, Link.Host host, boolean tls) throws Exception {
        Files.createDirectories(home.resolve("ram"));
        Path config = home.resolve("ferryd.toml");
        String peer = lab.link().address(host) + ":" + freePort();
        Files.writeString(config, """
                state_dir = "%1$s/state"
                runtime_dir = "%1$s/run"
                name = "%2$s"
                [peer]
                listen = "%3$s"
                [guests]
                ram_dir = "%1$s/ram"
                [migration]
                max_outbound = 1000
                max_inbound = 1000
                [tls]
                %4$s
                """.formatted(
                        home, home.getFileName(), peer, tls ? certificate(lab, home, host) : "mode = \"off\""));
        Process process = lab.start(
                host,
                List.of(lab.repository().resolve("bin/ferryd").toString(), "--config", config.toString()),
                home.resolve("log"));
        Daemon daemon = new Daemon(home, process, peer);
        try {
            Wall.await("ferryd is ready", 30, 10, () -> {
                if (!process.isAlive()) {
                    throw new BenchException("ferryd ended: " + daemon.log());
                }
                return daemon.log().contains("ready ");
            });
        } catch (Exception e) {
            daemon.close();
            throw e;
        }
        return daemon;
    }

    private static String certificate(Lab lab, Path home, Link.Host host) throws Exception {
        Path authority = home.resolveSibling("tls");
        String name = home.getFileName().toString();
        Programs.run(List.of(
                lab.repository().resolve("bin/ferry").toString(),
                "tls",
                "init",
                "--dir",
                authority.toString(),
                name + "," + lab.link().address(host)));
        return """
                ca = "%1$s/ca.crt"
                certificate = "%1$s/host.crt"
                key = "%1$s/host.key"
                """.formatted(authority.resolve(name));
    }

    long pid() {
        return process.pid();
    }

    String log() throws IOException {
        return Files.readString(home.resolve("log"));
    }

    Path guestDirectory(String guest) {
        return home.resolve("run/guests").resolve(guest);
    }

    void run(String toml) {
        guests().run(RunGuestRequest.newBuilder()
                .setToml(toml)
                .setFileName("bench.toml")
                .build());
    }

    /** Returns when the migration has ended, however. */
    Migration move(String guest, Daemon to, Policy policy) {
        MigrationServiceGrpc.MigrationServiceBlockingStub migrations =
                MigrationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(MOVE_SECONDS, TimeUnit.SECONDS);
        Migration last = migrations.start(StartRequest.newBuilder()
                .setGuest(guest)
                .setTo(to.peer)
                .setPolicy(policy)
                .build());
        Iterator<Migration> stream = migrations.watch(WatchRequest.newBuilder()
                .setId(last.getId())
                .setIntervalMs(1000)
                .build());
        while (stream.hasNext()) {
            last = stream.next();
        }
        return last;
    }

    /** Ends its QEMU, makes the daemon forget it, and removes its files. */
    void removeGuest(String guest) throws Exception {
        Path directory = guestDirectory(guest);
        if (Files.exists(directory)) {
            Programs.endByPidFile(directory.resolve("pid"));
            try {
                guests().detach(DetachGuestRequest.newBuilder().setName(guest).build());
            } catch (StatusRuntimeException e) {
                // It has forgotten it already, or died: its directories go with the lab.
            }
            Programs.removeTree(directory);
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(home.resolve("ram"), "*-" + guest + "-*.ram")) {
            for (Path file : files) {
                Files.delete(file);
            }
        }
    }

    private GuestServiceGrpc.GuestServiceBlockingStub guests() {
        return GuestServiceGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() throws Exception {
        channel.shutdownNow();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        Programs.end(process);
        Path guests = home.resolve("run/guests");
        if (Files.isDirectory(guests)) {
            try (DirectoryStream<Path> all = Files.newDirectoryStream(guests)) {
                for (Path guest : all) {
                    Programs.endByPidFile(guest.resolve("pid"));
                }
            }
        }
    }
}
