package dev.ferry.qemu;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One JSON file a guest, replaced whole by rename. Used under the registry's lock. */
final class GuestRecords {
    private static final Logger LOG = LoggerFactory.getLogger(GuestRecords.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path directory;

    GuestRecords(Path directory) {
        this.directory = directory;
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw failed("making " + directory, e);
        }
    }

    void write(GuestRecord record) {
        Path file = file(record.name());
        Path fresh = directory.resolve(record.name() + ".new");
        try (FileChannel channel = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(JSON.writeValueAsBytes(record)));
            channel.force(true);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw failed("writing " + file, e);
        }
    }

    void remove(String name) {
        GuestLauncher.removeFile(file(name));
    }

    List<GuestRecord> readAll() {
        List<GuestRecord> records = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.json")) {
            for (Path file : files) {
                try {
                    records.add(JSON.readValue(file.toFile(), GuestRecord.class));
                } catch (JacksonException e) {
                    // One that is broken must not keep the daemon from the other guests.
                    LOG.error("guest record {} is broken and passed over: attach its guest again", file, e);
                }
            }
        } catch (IOException e) {
            throw failed("reading " + directory, e);
        }
        return records;
    }

    private Path file(String name) {
        return directory.resolve(name + ".json");
    }

    private static FerryException failed(String what, IOException e) {
        return new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "guest records: " + what + ": " + e, e);
    }
}
