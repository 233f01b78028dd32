package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.AttachGuestRequest;
import dev.ferry.v1.CheckRequest;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Reason;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Bad input gets a clear error, and the guest does not notice. */
@Tag("qemu")
class RefusalTest {
    private static Lab lab;
    private static VerifyingGuest guest;

    @BeforeAll
    static void start() throws Exception {
        lab = new Lab();
        guest = lab.runOnA(
                "backing = \"shared\"\n" + VerifyingGuest.toml("v1", "tcg", "128MiB", 1, "rate=2000 write=20", ""),
                "v1");
    }

    @AfterAll
    static void stop() throws Exception {
        try {
            assertThat(guest.status()).isEqualTo("running");
            assertThat(guest.tracesInProcess()).isEmpty();
            guest.verify();
        } finally {
            lab.close();
        }
    }

    private static void refused(ThrowingCallable call, Status.Code code, String... words) {
        Throwable thrown = Assertions.catchThrowable(call);
        assertThat(thrown).isInstanceOf(StatusRuntimeException.class);
        Status status = ((StatusRuntimeException) thrown).getStatus();
        assertThat(status.getCode()).as(status.getDescription()).isEqualTo(code);
        assertThat(status.getDescription()).contains(words);
    }

    private static void attach(String name, Path socket, boolean incoming) {
        lab.a
                .guests()
                .attach(AttachGuestRequest.newBuilder()
                        .setName(name)
                        .setQmpSocket(socket.toString())
                        .setIncoming(incoming)
                        .build());
    }

    /** The file is there a moment before somebody can connect: __SO_ACCEPTCON says it. */
    private static boolean listens(Path socket) throws java.io.IOException {
        return java.nio.file.Files.readAllLines(Path.of("/proc/net/unix")).stream()
                .anyMatch(l -> l.endsWith(" " + socket) && l.contains(" 00010000 "));
    }

    private static List<String> reasons(String to) {
        return lab
                .a
                .migrations()
                .check(CheckRequest.newBuilder().setGuest("v1").setTo(to).build())
                .getReasonsList()
                .stream()
                .map(Reason::getCode)
                .toList();
    }

    @Test
    void shouldNameAnUnknownGuest() {
        refused(() -> lab.a.start("nobody", lab.b, Policy.getDefaultInstance()), Status.Code.NOT_FOUND, "nobody", "v1");
    }

    @Test
    void shouldSayWhatIsWrongWithAQmpSocket() throws Exception {
        refused(
                () -> attach("x", lab.root.resolve("none.sock"), false),
                Status.Code.NOT_FOUND,
                "none.sock",
                "-qmp unix:");
        refused(
                () -> attach("x", lab.a.guestDirectory("v1").resolve("qmp.sock"), false),
                Status.Code.UNAVAILABLE,
                "one client",
                "-qmp");
        Path deaf = lab.root.resolve("talk.sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(deaf));
            Thread talker = new Thread(() -> {
                try (var client = server.accept()) {
                    client.write(java.nio.ByteBuffer.wrap(
                            "220 mail.example ESMTP\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
                    client.read(java.nio.ByteBuffer.allocate(100));
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            talker.start();
            refused(() -> attach("x", deaf, false), Status.Code.INVALID_ARGUMENT, "does not speak QMP");
            talker.join();
        }
    }

    @Test
    void shouldSayThatNobodyOrSomebodyElseListens() throws Exception {
        refused(
                () -> lab.a
                        .migrations()
                        .check(CheckRequest.newBuilder()
                                .setGuest("v1")
                                .setTo("127.0.0.1:1")
                                .build()),
                Status.Code.UNAVAILABLE,
                "127.0.0.1:1",
                "is ferryd running there");
        refused(
                () -> lab.a.start("v1", "127.0.0.1:1", Policy.getDefaultInstance()),
                Status.Code.UNAVAILABLE,
                "127.0.0.1:1",
                "is ferryd running there",
                "nothing was started, guest v1 stays here");
        try (ServerSocket other = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            Thread talker = new Thread(() -> {
                while (!other.isClosed()) {
                    try (var client = other.accept()) {
                        client.getOutputStream()
                                .write("HTTP/1.1 400 Bad Request\r\n\r\n"
                                        .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
                    } catch (java.io.IOException e) {
                        return;
                    }
                }
            });
            talker.start();
            Throwable thrown = Assertions.catchThrowable(() -> reasons("127.0.0.1:" + other.getLocalPort()));
            assertThat(thrown).isInstanceOf(StatusRuntimeException.class);
            assertThat(((StatusRuntimeException) thrown).getStatus().getCode())
                    .isIn(Status.Code.UNAVAILABLE, Status.Code.FAILED_PRECONDITION);
            other.close();
            talker.join();
        }
    }

    @Test
    void shouldFindAForeignMapper() throws Exception {
        Path ram = lab.a.ramFiles().get(0);
        Process mapper = new ProcessBuilder(
                        "python3",
                        "-c",
                        "import mmap,os,sys\nf=open(sys.argv[1],'r+b')\nm=mmap.mmap(f.fileno(),4096)\nprint('mapped',flush=True)\nsys.stdin.read()",
                        ram.toString())
                .start();
        try {
            assertThat(mapper.inputReader().readLine()).isEqualTo("mapped");
            assertThat(reasons(lab.b.peer)).containsExactly("FOREIGN_MAPPER");
        } finally {
            mapper.destroyForcibly().waitFor();
        }
        assertThat(reasons(lab.b.peer)).isEmpty();
    }

    @Test
    void shouldRefuseAnIncomingGuestOfAnotherKind() throws Exception {
        record Case(String machine, String memory, String code) {}
        for (Case c :
                List.of(new Case("pc", "128M", "MACHINE_DIFFERS"), new Case("q35", "256M", "BLOCK_LAYOUT_DIFFERS"))) {
            Path socket = lab.root.resolve("in-" + c.code() + ".sock");
            Path ram = lab.root.resolve("in-" + c.code() + ".ram");
            try (FileChannel file = FileChannel.open(ram, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                file.write(java.nio.ByteBuffer.allocate(1), (c.memory().startsWith("1") ? 128L : 256L) * (1 << 20) - 1);
            }
            Process qemu = new ProcessBuilder(
                            "qemu-system-x86_64",
                            "-accel",
                            "tcg",
                            "-nodefaults",
                            "-display",
                            "none",
                            "-S",
                            "-incoming",
                            "defer",
                            "-machine",
                            c.machine() + ",memory-backend=r",
                            "-m",
                            c.memory(),
                            "-object",
                            "memory-backend-file,id=r,share=on,size=" + c.memory() + ",mem-path=" + ram,
                            "-qmp",
                            "unix:" + socket + ",server=on,wait=off")
                    .inheritIO()
                    .start();
            try {
                Await.until("QEMU listens", () -> listens(socket));
                lab.b
                        .guests()
                        .attach(AttachGuestRequest.newBuilder()
                                .setName("v1")
                                .setQmpSocket(socket.toString())
                                .setIncoming(true)
                                .build());
                assertThat(reasons(lab.b.peer)).containsExactly(c.code());
                lab.b
                        .guests()
                        .detach(dev.ferry.v1.DetachGuestRequest.newBuilder()
                                .setName("v1")
                                .build());
            } finally {
                qemu.destroyForcibly().waitFor();
            }
        }
    }
}
