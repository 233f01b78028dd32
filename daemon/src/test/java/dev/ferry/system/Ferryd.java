package dev.ferry.system;

import dev.ferry.v1.CancelRequest;
import dev.ferry.v1.GetRequest;
import dev.ferry.v1.Guest;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.ResumeRequest;
import dev.ferry.v1.RollbackRequest;
import dev.ferry.v1.RunGuestRequest;
import dev.ferry.v1.SetLimitsRequest;
import dev.ferry.v1.StartRequest;
import dev.ferry.v1.SwitchToPostcopyRequest;
import dev.ferry.v1.WatchRequest;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A real ferryd process with its own directories on tmpfs, and the API to it. Closing it ends its guests as well. */
final class Ferryd implements AutoCloseable {
    private static final Path REPOSITORY =
            Path.of(System.getProperty("user.dir")).getParent();

    final Path home;
    final String peer;
    private final Path config;
    private final MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private Process process;
    private ManagedChannel channel;

    private final Place place;

    /**
     * Where it runs.
     *
     * @param prefix of its command
     * @param address that the other host reaches it at
     * @param environment in addition
     */
    record Place(List<String> prefix, String address, Map<String, String> environment) {
        static final Place HERE = new Place(List.of(), "127.0.0.1", Map.of());
    }

    /**
     * Launches it.
     *
     * @param extra more configuration, for example {@code [guests.values]}
     */
    Ferryd(Path home, String extra) throws Exception {
        this(home, extra, Place.HERE);
    }

    Ferryd(Path home, String extra, Place place) throws Exception {
        this.home = home;
        this.place = place;
        Files.createDirectories(home.resolve("ram"));
        int port = freePort();
        config = home.resolve("ferryd.toml");
        String more = extra.contains("[guests]") ? extra : "[guests]\nram_dir = \"" + home + "/ram\"\n" + extra;
        Files.writeString(config, """
                state_dir = "%1$s/state"
                runtime_dir = "%1$s/run"
                name = "%2$s"
                [peer]
                listen = "%5$s:%3$d"
                %4$s
                """.formatted(
                        home,
                        home.getFileName(),
                        port,
                        more.contains("[tls]") ? more : more + "\n" + HostCertificate.configuration(),
                        place.address()));
        peer = place.address() + ":" + port;
        launch();
    }

    /** Starts the daemon and waits for its ready line. */
    void start() throws Exception {
        launch();
        awaitReady();
    }

    /** Starts the daemon. */
    void launch() throws IOException {
        List<String> command = new ArrayList<>(place.prefix());
        command.addAll(List.of(REPOSITORY.resolve("bin/ferryd").toString(), "--config", config.toString()));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectError(
                        ProcessBuilder.Redirect.appendTo(home.resolve("log").toFile()))
                .redirectOutput(home.resolve("out").toFile());
        builder.environment().putAll(place.environment());
        process = builder.start();
    }

    void awaitReady() throws IOException {
        Await.until("ferryd " + home + " is ready\n" + log(), () -> {
            if (!process.isAlive()) {
                throw new IllegalStateException("ferryd ended: " + log());
            }
            return Files.readString(home.resolve("out")).startsWith("ready ");
        });
        channel = NettyChannelBuilder.forAddress(
                        new DomainSocketAddress(home.resolve("run/control.sock").toString()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(loop)
                .overrideAuthority("localhost")
                .usePlaintext()
                .build();
    }

    /** How often its log says this. */
    int logged(String text) throws IOException {
        return log().split(Pattern.quote(text), -1).length - 1;
    }

    String log() throws IOException {
        return Files.exists(home.resolve("log")) ? Files.readString(home.resolve("log")) : "";
    }

    boolean isAlive() {
        return process.isAlive();
    }

    long pid() {
        return process.pid();
    }

    MigrationServiceGrpc.MigrationServiceBlockingStub migrations() {
        return MigrationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(120, TimeUnit.SECONDS);
    }

    GuestServiceGrpc.GuestServiceBlockingStub guests() {
        return GuestServiceGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
    }

    Guest run(String toml) {
        return guests().run(RunGuestRequest.newBuilder()
                .setToml(toml)
                .setFileName("test.toml")
                .build());
    }

    Migration start(String guest, Ferryd to, Policy policy) {
        return migrations()
                .start(StartRequest.newBuilder()
                        .setGuest(guest)
                        .setTo(to.peer)
                        .setPolicy(policy)
                        .build());
    }

    /** @param to addresses, with commas between */
    Migration start(String guest, String to, Policy policy) {
        return migrations()
                .start(StartRequest.newBuilder()
                        .setGuest(guest)
                        .setTo(to)
                        .setPolicy(policy)
                        .build());
    }

    Migration get(String id) {
        return migrations().get(GetRequest.newBuilder().setId(id).build());
    }

    /** The background push, from now on; 0: no limit. */
    Migration limitPush(String id, long bytesPerSecond) {
        return migrations()
                .setLimits(SetLimitsRequest.newBuilder()
                        .setId(id)
                        .setPostcopyBandwidthBytesPerSecond(bytesPerSecond)
                        .build());
    }

    Migration switchNow(String id) {
        return migrations()
                .switchToPostcopy(SwitchToPostcopyRequest.newBuilder().setId(id).build());
    }

    Migration cancel(String id) {
        return migrations().cancel(CancelRequest.newBuilder().setId(id).build());
    }

    Migration rollback(String id, boolean acceptDataLoss, boolean destinationIsFenced) {
        return migrations()
                .rollback(RollbackRequest.newBuilder()
                        .setId(id)
                        .setAcceptDataLoss(acceptDataLoss)
                        .setDestinationIsFenced(destinationIsFenced)
                        .build());
    }

    Migration resume(String id) {
        return migrations().resume(ResumeRequest.newBuilder().setId(id).build());
    }

    /** Waits for a daemon that dies by itself. */
    void awaitDeath() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("ferryd lives");
        }
        channel.shutdownNow();
    }

    /** Waits until it has ended. */
    Migration follow(String id) {
        Iterator<Migration> stream = migrations()
                .watch(WatchRequest.newBuilder().setId(id).setIntervalMs(100).build());
        Migration last = null;
        while (stream.hasNext()) {
            last = stream.next();
        }
        return last;
    }

    /** Waits until it is in this state or has ended. */
    Migration awaitState(String id, MigrationState state) {
        Context.CancellableContext untilSeen = Context.current().withCancellation();
        Context before = untilSeen.attach();
        try {
            Iterator<Migration> stream = migrations()
                    .watch(WatchRequest.newBuilder().setId(id).setIntervalMs(50).build());
            Migration last = null;
            while (stream.hasNext()) {
                last = stream.next();
                if (last.getState() == state) {
                    return last;
                }
            }
            return last;
        } finally {
            untilSeen.detachAndCancel(before, null);
        }
    }

    Path guestDirectory(String guest) {
        return home.resolve("run/guests").resolve(guest);
    }

    List<Path> ramFiles() throws IOException {
        try (Stream<Path> files = Files.list(home.resolve("ram"))) {
            return files.sorted().toList();
        }
    }

    /** As a service manager does. */
    void stop() throws InterruptedException {
        channel.shutdownNow();
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            throw new IllegalStateException("ferryd does not end");
        }
    }

    void kill9() throws InterruptedException {
        if (channel != null) {
            channel.shutdownNow();
        }
        process.destroyForcibly().waitFor();
    }

    private static int freePort() throws IOException {
        try (java.net.ServerSocket s = new java.net.ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            return s.getLocalPort();
        }
    }

    @Override
    public void close() throws Exception {
        if (channel != null) {
            channel.shutdownNow();
        }
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
        Path guests = home.resolve("run/guests");
        if (Files.isDirectory(guests)) {
            try (Stream<Path> all = Files.list(guests)) {
                for (Path guest : all.toList()) {
                    Guests.end(guest.resolve("pid"));
                }
            }
        }
    }
}
