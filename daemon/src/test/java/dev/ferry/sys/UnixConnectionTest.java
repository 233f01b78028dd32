package dev.ferry.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class UnixConnectionTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    @TempDir
    Path directory;

    @Test
    void shouldTalkBothWays() throws Exception {
        try (ServerSocketChannel server = listen("socket", 1);
                UnixConnection connection = connect("socket");
                SocketChannel peer = server.accept()) {
            byte[] much = new byte[1 << 20];
            new Random(1).nextBytes(much);
            CompletableFuture<byte[]> received = CompletableFuture.supplyAsync(() -> readFully(peer, much.length));
            connection.write(much, 0, much.length);
            assertThat(received.get(10, TimeUnit.SECONDS)).isEqualTo(much);

            peer.write(StandardCharsets.UTF_8.encode("hello"));
            byte[] into = new byte[10];
            assertThat(connection.read(into, 2, 8)).isEqualTo(5);
            assertThat(new String(into, 2, 5, StandardCharsets.UTF_8)).isEqualTo("hello");
            peer.close();
            assertThat(connection.read(into, 0, 10)).isEqualTo(-1);
        }
    }

    @Test
    void shouldKnowItsPeer() throws Exception {
        try (ServerSocketChannel server = listen("socket", 1);
                UnixConnection connection = connect("socket")) {
            assertThat(server.isOpen()).isTrue();
            assertThat(connection.peerCredentials().pid())
                    .isEqualTo((int) ProcessHandle.current().pid());
            assertThat(connection.peerCredentials().uid()).isEqualTo(Files.getAttribute(directory, "unix:uid"));
        }
    }

    @Test
    void shouldWakeBlockedReaderByClose() throws Exception {
        try (ServerSocketChannel server = listen("socket", 1)) {
            UnixConnection connection = connect("socket");
            CountDownLatch reading = new CountDownLatch(1);
            CompletableFuture<Integer> reader = CompletableFuture.supplyAsync(() -> {
                reading.countDown();
                return connection.read(new byte[1], 0, 1);
            });
            reading.await();
            assertThat(server.isOpen()).isTrue();
            connection.close();
            connection.close();
            assertThat(reader.get(10, TimeUnit.SECONDS)).isEqualTo(-1);
            assertThat(connection.read(new byte[1], 0, 1)).isEqualTo(-1);
            assertUnavailable(() -> connection.write(new byte[1], 0, 1));
        }
    }

    /** Whenever it comes, close ends a reader, and never lets it read from the next file with the same number. */
    @Test
    void shouldWakeReaderWhenCloseRaces() throws Exception {
        try (ServerSocketChannel server = listen("socket", 50)) {
            for (int i = 0; i < 500; i++) {
                UnixConnection connection = connect("socket");
                SocketChannel peer = server.accept();
                CompletableFuture<Integer> reader =
                        CompletableFuture.supplyAsync(() -> connection.read(new byte[1], 0, 1));
                connection.close();
                assertThat(reader.get(10, TimeUnit.SECONDS)).isEqualTo(-1);
                peer.close();
            }
        }
    }

    @Test
    void shouldWakeBlockedWriterByClose() throws Exception {
        try (ServerSocketChannel server = listen("socket", 1)) {
            UnixConnection connection = connect("socket");
            try (SocketChannel peer = server.accept()) {
                CompletableFuture<Void> writer =
                        CompletableFuture.runAsync(() -> connection.write(new byte[8 << 20], 0, 8 << 20));
                // It has begun to write; the peer reads no further, so it gets stuck or is about to.
                peer.read(ByteBuffer.allocate(1));
                connection.close();
                assertThatThrownBy(() -> writer.get(10, TimeUnit.SECONDS)).hasCauseInstanceOf(SysException.class);
            }
        }
    }

    @Test
    void shouldSayUnavailableWhenPeerIsGone() throws Exception {
        try (ServerSocketChannel server = listen("socket", 1);
                UnixConnection connection = connect("socket")) {
            server.accept().close();
            assertUnavailable(() -> connection.write(new byte[1], 0, 1));
        }
    }

    @Test
    void shouldNamePathThatIsMissing() {
        assertThatThrownBy(() -> connect("nothing"))
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.NOT_FOUND))
                .hasMessageContaining(directory.resolve("nothing").toString());
    }

    @Test
    void shouldNamePathWhereNobodyListens() throws Exception {
        listen("socket", 1).close();
        assertThatThrownBy(() -> connect("socket"))
                .isInstanceOfSatisfying(
                        FerryException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.UNAVAILABLE))
                .hasMessageContaining(directory.resolve("socket").toString());
    }

    @Test
    void shouldGiveUpWhenNobodyAccepts() throws Exception {
        try (ServerSocketChannel server = listen("socket", 1);
                UnixConnection one = connect("socket");
                UnixConnection two = connect("socket")) {
            assertThat(server.isOpen()).isTrue();
            assertThat(one).isNotSameAs(two);
            String path = directory.resolve("socket").toString();
            assertThatThrownBy(() -> UnixConnection.connect(path, Duration.ofMillis(50)))
                    .isInstanceOfSatisfying(
                            FerryException.class,
                            e -> assertThat(e.category()).isEqualTo(ErrorCategory.DEADLINE_EXCEEDED))
                    .hasMessageContaining(path);
        }
    }

    @Test
    void shouldConnectToLongPath() throws Exception {
        Path deep = Files.createDirectories(directory.resolve("d".repeat(100)).resolve("e".repeat(100)));
        // Java cannot bind a long path either: bind a short one and move it.
        try (ServerSocketChannel server = listen("socket", 1)) {
            Path moved = Files.move(directory.resolve("socket"), deep.resolve("socket"));
            try (UnixConnection connection = UnixConnection.connect(moved.toString(), LIMIT);
                    SocketChannel peer = server.accept()) {
                connection.write(new byte[] {7}, 0, 1);
                assertThat(readFully(peer, 1)).containsExactly(7);
            }
        }
    }

    /** A server in C, which reads the first bytes and writes "through" into the descriptor that came with them. */
    @Test
    void shouldPassDescriptors() throws Exception {
        Path receiver = CProgram.compile(directory, "receiver", RECEIVER);
        String path = directory.resolve("fds").toString();
        Process server = new ProcessBuilder(receiver.toString(), path)
                .redirectErrorStream(true)
                .start();
        try (RamFile one = MemFd.create("one", PageSize.BASE);
                RamFile other = MemFd.create("other", PageSize.BASE)) {
            assertThat(server.getInputStream().read()).isEqualTo('L');
            try (UnixConnection connection = UnixConnection.connect(path, LIMIT)) {
                connection.write("ab".getBytes(StandardCharsets.UTF_8), 0, 2, one.fd(), other.fd());
                byte[] answer = new byte[1];
                assertThat(connection.read(answer, 0, 1)).isEqualTo(1);
            }
            assertThat(server.waitFor()).isZero();
            ByteBuffer page = NativeBuffer.allocate(PageSize.BASE);
            one.read(0, NativeBuffer.address(page), 8);
            assertThat(page.get(0)).isEqualTo((byte) '0');
            other.read(0, NativeBuffer.address(page), 8);
            assertThat(page.get(0)).isEqualTo((byte) '1');
        } finally {
            server.destroyForcibly().waitFor();
        }
    }

    @Test
    void shouldRefuseDescriptorsWithoutBytes() throws Exception {
        try (ServerSocketChannel server = listen("socket", 1);
                UnixConnection connection = connect("socket");
                Fd fd = Fd.open("/dev/null", 0, 0)) {
            assertThat(server.isOpen()).isTrue();
            assertThatThrownBy(() -> connection.write(new byte[0], 0, 0, fd))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static final String RECEIVER = """
            #include <stdio.h>
            #include <string.h>
            #include <sys/socket.h>
            #include <sys/un.h>
            #include <unistd.h>
            int main(int argc, char **argv) {
                struct sockaddr_un a = {.sun_family = AF_UNIX};
                strncpy(a.sun_path, argv[1], sizeof a.sun_path - 1);
                int l = socket(AF_UNIX, SOCK_STREAM, 0);
                if (bind(l, (struct sockaddr *)&a, sizeof a) || listen(l, 1)) return 1;
                if (write(1, "L", 1) != 1) return 2;
                int c = accept(l, 0, 0);
                char data[8], control[256];
                struct iovec v = {data, sizeof data};
                struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
                if (recvmsg(c, &m, 0) != 2 || memcmp(data, "ab", 2)) return 3;
                struct cmsghdr *h = CMSG_FIRSTHDR(&m);
                if (!h || h->cmsg_type != SCM_RIGHTS || h->cmsg_len != CMSG_LEN(2 * sizeof(int))) return 4;
                int fds[2];
                memcpy(fds, CMSG_DATA(h), sizeof fds);
                for (int i = 0; i < 2; i++)
                    if (pwrite(fds[i], i ? "1" : "0", 1, 0) != 1) return 5;
                return write(c, "!", 1) == 1 ? 0 : 6;
            }
            """;

    private ServerSocketChannel listen(String name, int backlog) throws Exception {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        return server.bind(UnixDomainSocketAddress.of(directory.resolve(name)), backlog);
    }

    private UnixConnection connect(String name) {
        return UnixConnection.connect(directory.resolve(name).toString(), LIMIT);
    }

    private static byte[] readFully(SocketChannel channel, int length) {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        try {
            int count;
            do {
                count = channel.read(buffer);
            } while (count >= 0 && buffer.hasRemaining());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return buffer.array();
    }

    private static void assertUnavailable(Runnable write) {
        assertThatThrownBy(write::run)
                .isInstanceOfSatisfying(
                        SysException.class, e -> assertThat(e.category()).isEqualTo(ErrorCategory.UNAVAILABLE));
    }
}
