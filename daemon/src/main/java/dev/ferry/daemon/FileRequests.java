package dev.ferry.daemon;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.RequestLog;
import dev.ferry.migration.Side;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The requests as small property files, one a migration, replaced whole by rename; in the runtime directory, like the journal. */
final class FileRequests implements RequestLog {
    private static final String SUFFIX = ".request";
    private static final Logger LOG = LoggerFactory.getLogger(FileRequests.class);

    private final Path directory;

    FileRequests(Path directory) {
        this.directory = directory;
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw failed("making " + directory, e);
        }
    }

    @Override
    public synchronized void write(Entry entry) {
        Properties p = new Properties();
        p.setProperty("requestId", entry.requestId());
        p.setProperty("fingerprint", entry.fingerprint());
        p.setProperty("migration", entry.migration());
        p.setProperty("guest", entry.guest());
        p.setProperty("peer", entry.peer());
        p.setProperty("startedUnixMs", Long.toString(entry.startedUnixMs()));
        p.setProperty("state", entry.state().name());
        p.setProperty("runsOn", entry.runsOn().name());
        p.setProperty("reason", entry.reason());
        p.setProperty("error", entry.error());
        p.setProperty("endedUnixMs", Long.toString(entry.endedUnixMs()));
        Path file = file(entry.migration());
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try {
            StringWriter text = new StringWriter();
            p.store(text, null);
            Files.writeString(fresh, text.toString());
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw failed("writing " + file, e);
        }
    }

    @Override
    public synchronized void remove(String migration) {
        try {
            Files.deleteIfExists(file(migration));
        } catch (IOException e) {
            throw failed("removing the request of migration " + migration, e);
        }
    }

    @Override
    public synchronized List<Entry> readAll() {
        List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
            for (Path file : files) {
                try {
                    entries.add(read(file));
                } catch (IOException | IllegalArgumentException | NullPointerException e) {
                    LOG.error("request {} cannot be read and is not remembered: {}", file, e.toString());
                }
            }
        } catch (IOException e) {
            throw failed("reading " + directory, e);
        }
        return entries;
    }

    private static Entry read(Path file) throws IOException {
        Properties p = new Properties();
        p.load(new StringReader(Files.readString(file)));
        return new Entry(
                p.getProperty("requestId", ""),
                p.getProperty("fingerprint", ""),
                p.getProperty("migration", ""),
                p.getProperty("guest", ""),
                p.getProperty("peer", ""),
                Long.parseLong(p.getProperty("startedUnixMs")),
                MigrationState.valueOf(p.getProperty("state")),
                Side.valueOf(p.getProperty("runsOn")),
                p.getProperty("reason", ""),
                p.getProperty("error", ""),
                Long.parseLong(p.getProperty("endedUnixMs")));
    }

    private Path file(String migration) {
        return directory.resolve(migration + SUFFIX);
    }

    private static FerryException failed(String what, IOException e) {
        return new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "requests: " + what + ": " + e, e);
    }
}
