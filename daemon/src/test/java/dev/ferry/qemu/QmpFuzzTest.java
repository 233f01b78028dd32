package dev.ferry.qemu;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.ferry.base.FerryException;
import dev.ferry.sys.ProcMaps;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** A QEMU that says anything: an error with its words or a value that is checked, and never more memory than a line may take. */
class QmpFuzzTest {
    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final String GREETING = "{\"QMP\":{\"version\":{},\"capabilities\":[]}}\n";
    private static final String CAPABILITIES = "{\"return\":{},\"id\":1}\n";
    private static final long PID = ProcessHandle.current().pid();

    private static Stream<byte[]> bytes(String... texts) {
        return Stream.of(texts).map(t -> t.getBytes(StandardCharsets.UTF_8));
    }

    static Stream<byte[]> lines() {
        return bytes(
                GREETING + CAPABILITIES,
                "{\"return\": [1,2,{\"a\":null}], \"id\": 2}\r\n\n  \n{\"event\":\"STOP\",\"data\":{}}\n",
                "null\n1e999999999\n\"\\ud800\"\n",
                "[".repeat(300) + "\n",
                "{\"return\"\n");
    }

    /** The same messages in whatever pieces they come. */
    @MethodSource("lines")
    @FuzzTest
    void anyLines(byte[] bytes) {
        List<JsonNode> whole = messages(bytes, bytes.length);
        List<JsonNode> pieces = messages(bytes, 7);
        if (!whole.equals(pieces)) {
            throw new AssertionError(whole + " and in pieces " + pieces);
        }
    }

    private static List<JsonNode> messages(byte[] bytes, int pieceBytes) {
        List<JsonNode> heard = new ArrayList<>();
        QmpMessages messages = new QmpMessages(heard::add);
        try {
            for (int at = 0; at < bytes.length; at += pieceBytes) {
                byte[] piece = Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + pieceBytes));
                messages.feed(piece, piece.length);
            }
        } catch (JsonProcessingException | FerryException e) {
            return heard;
        }
        return heard;
    }

    static Stream<byte[]> answers() {
        return bytes(
                "{\"return\":{\"status\":\"paused\"},\"id\":2}\n",
                "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"},\"id\":2}\n",
                "{\"id\":2}\n",
                "{\"return\":[],\"id\":1}\n{\"event\":7}\nnull\n[]\n",
                "{\"error\":3,\"id\":2}\n",
                "garbage\n");
    }

    /** Over a real socket, which QEMU then closes: every command ends, at once. */
    @MethodSource("answers")
    @FuzzTest
    void anyAnswer(byte[] answer) throws Exception {
        Path directory = Files.createTempDirectory("ferry-fuzz");
        Path path = directory.resolve("qmp.sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(path));
            Thread qemu = new Thread(() -> say(server, answer), "fuzzed-qemu");
            qemu.start();
            long began = System.nanoTime();
            try (QmpConnection qmp = QmpConnection.connect(path.toString(), LIMIT, OptionalInt.empty())) {
                JsonNode said = qmp.execute("query-status", null, LIMIT);
                if (said == null) {
                    throw new AssertionError("no answer and no error");
                }
                said.path("status").asText();
            } catch (FerryException e) {
                // In its own words.
            }
            if (System.nanoTime() - began > LIMIT.toNanos()) {
                throw new AssertionError("waited for a QEMU that had gone");
            }
            qemu.join();
        } finally {
            Files.deleteIfExists(path);
            Files.delete(directory);
        }
    }

    /** Each answer when its command has come, as it would be taken for an answer otherwise to none. */
    private static void say(ServerSocketChannel server, byte[] answer) {
        try (SocketChannel client = server.accept()) {
            ByteBuffer command = ByteBuffer.allocate(1 << 12);
            write(client, GREETING.getBytes(StandardCharsets.UTF_8));
            client.read(command);
            write(client, CAPABILITIES.getBytes(StandardCharsets.UTF_8));
            client.read(command.clear());
            write(client, answer);
        } catch (IOException e) {
            // The other side hung up on garbage.
        }
    }

    private static void write(SocketChannel to, byte[] bytes) throws IOException {
        ByteBuffer all = ByteBuffer.wrap(bytes);
        while (all.hasRemaining()) {
            to.write(all);
        }
    }

    static Stream<byte[]> tables() {
        String header = "              Block Name    PSize              Offset               Used              Total\n";
        String view =
                "FlatView #0\n AS \"memory\", root: system\n  0000000000000000-000000003fffffff (prio 0, ram): ram\n";
        return bytes(
                header
                        + "                     ram    4 KiB  0x0000000000000000 0x0000000040000000 0x0000000040000000 0x7f0000000000\n"
                        + "\f" + view + "\fis 0x7f0000000000",
                header + "  ram    4 KiB  0x0 0x7ffffffffffff000 0x0 0x$A\n\f" + view + "\f",
                header + "  ram    99999999999999999999 GiB  0x0 0x1000 0x0\n\f\f",
                header + "  ram    9999999999 GiB  0x0 0x1000 0x0\n\f\f",
                header
                        + "  ram    4 KiB  0x11111111111111111 0x1000 0x0 0x11111111111111111\n\f\fis 0x11111111111111111",
                header + " a" + " ".repeat(40_000) + "\n\f\f");
    }

    /** What is found is in the process, and all of it. The text may name an address that is really mapped: $A. */
    @MethodSource("tables")
    @FuzzTest
    void anyMemoryTable(byte[] bytes) {
        List<ProcMaps.Mapping> maps = ProcMaps.read((int) PID);
        ProcMaps.Mapping heap = maps.stream()
                .filter(m -> m.permissions().startsWith("rw"))
                .findFirst()
                .orElseThrow();
        String[] said = new String(bytes, StandardCharsets.UTF_8)
                .replace("$A", Long.toHexString(heap.start()))
                .split("\f", -1);
        RamBlockFinder.Found found;
        try {
            found = new RamBlockFinder((int) PID, command -> answer(said, command), Set.of("ram")).find();
        } catch (FerryException | IllegalArgumentException e) {
            return;
        }
        for (QemuRamBlock block : found.blocks()) {
            long at = block.hostAddress();
            long end = Math.addExact(at, block.block().lengthBytes());
            if (maps.stream().noneMatch(m -> m.start() <= at && at < m.end())
                    || end
                            > maps.stream()
                                    .mapToLong(ProcMaps.Mapping::end)
                                    .max()
                                    .orElseThrow()) {
                throw new AssertionError(block);
            }
        }
    }

    private static String answer(String[] said, String command) {
        int at = command.equals("info ramblock") ? 0 : command.startsWith("info mtree") ? 1 : 2;
        return at < said.length ? said[at] : "";
    }

    static Stream<byte[]> states() {
        return Stream.of(
                new byte[] {'Q', 'E', 'V', 'M', 0, 0, 0, 3, 1, 2, 3}, new byte[] {'Q', 'E', 'V', 'M', 0, 0, 0, 4, 1});
    }

    @MethodSource("states")
    @FuzzTest
    void anyDeviceState(byte[] saved) {
        byte[] stream;
        try {
            stream = DeviceStateStream.toMigration(saved, "pc-q35-7.2");
        } catch (FerryException e) {
            return;
        }
        int behind = stream.length - 7 - (saved.length - 8);
        if (Arrays.mismatch(stream, 0, 8, saved, 0, 8) >= 0
                || Arrays.mismatch(stream, behind, stream.length - 7, saved, 8, saved.length) >= 0) {
            throw new AssertionError("the state changed on the way");
        }
    }

    static Stream<byte[]> versions() {
        return bytes("7.2.22", "99999999999.1.1", "1..2", "", "7.2.22-rc1");
    }

    @MethodSource("versions")
    @FuzzTest
    void anyVersion(byte[] bytes) {
        String version = new String(bytes, StandardCharsets.UTF_8);
        try {
            if (EmulatorInfo.compareVersions(version, "7.2.22") != -EmulatorInfo.compareVersions("7.2.22", version)) {
                throw new AssertionError(version);
            }
        } catch (FerryException e) {
            // No version.
        }
    }
}
