package dev.ferry.daemon;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.ferry.base.FerryException;
import dev.ferry.migration.Journal;
import dev.ferry.migration.Side;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Files that a daemon finds when it starts: read, or refused by name. */
class StateFilesFuzzTest {
    private static Stream<byte[]> bytes(String... texts) {
        return Stream.of(texts).map(t -> t.getBytes(StandardCharsets.UTF_8));
    }

    static Stream<byte[]> journals() {
        String whole =
                "id=00000000000000aa\nside=SOURCE\nstep=PREPARING\nepoch=1\nguest=db1\npeer=h\\:7420\nrequestId=\n"
                        + "keepSource=false\nstartedUnixMs=5\npostcopyBandwidth=0\n";
        return bytes(
                whole,
                whole.substring(0, 40),
                whole.replace("epoch=1", "epoch=99999999999999999999"),
                whole.replace("db1", "\\uD8"),
                whole.replace("PREPARING", "preparing"),
                "");
    }

    /** What was read is written and read again as it was. */
    @MethodSource("journals")
    @FuzzTest
    void journal(byte[] bytes) throws IOException {
        Path directory = Files.createTempDirectory("ferry-fuzz");
        try {
            Files.write(directory.resolve("00000000000000aa.out.journal"), bytes);
            FileJournal journal = new FileJournal(directory);
            List<Journal.Entry> entries;
            try {
                entries = journal.readAll();
            } catch (FerryException e) {
                return;
            }
            for (Journal.Entry e : entries) {
                // Under a name that no id can lead out of the directory.
                Journal.Entry named = new Journal.Entry(
                        "00000000000000aa",
                        Side.SOURCE,
                        e.step(),
                        e.epoch(),
                        e.guest(),
                        e.peer(),
                        e.requestId(),
                        e.keepSource(),
                        e.startedUnixMs(),
                        e.postcopyBandwidthBytesPerSecond());
                journal.write(named);
                if (!journal.readAll().equals(List.of(named))) {
                    throw new AssertionError(named + " became " + journal.readAll());
                }
            }
        } finally {
            remove(directory);
        }
    }

    private static void remove(Path directory) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    static Stream<byte[]> configurations() {
        return bytes(
                "name = \"a\"\n[control]\nlisten = [\"unix:/run/x\"]\n[peer]\nlisten = \"127.0.0.1:7420\"\n",
                "[guests.values]\na.b = 1\n",
                "[migration]\nprecopy_seconds = nan\nbandwidth = 1e400\n",
                "a = 0b" + "1".repeat(3000),
                "a" + ".a".repeat(5000) + " = 1",
                "a" + ".a".repeat(200) + " = 1",
                "a = " + "[".repeat(5000),
                "a = " + "{a=".repeat(2000),
                "\"\\uD800\" = 1\nguests = 5");
    }

    @MethodSource("configurations")
    @FuzzTest
    void configuration(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (text.contains("listen")) {
            // A host's name would be looked up, and the answer is not the input's.
            text = text.replaceAll("listen\\s*=\\s*\"[^\"\n]*\"", "listen = \"127.0.0.1:1\"");
        }
        try {
            ConfigLoader.parse("ferryd.toml", text);
        } catch (ConfigException e) {
            if (!e.getMessage().startsWith("ferryd.toml:")) {
                throw new AssertionError("does not say where: " + e.getMessage(), e);
            }
        }
    }
}
