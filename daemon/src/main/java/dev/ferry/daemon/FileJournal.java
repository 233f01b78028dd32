package dev.ferry.daemon;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.Journal;
import dev.ferry.migration.LostPagePolicy;
import dev.ferry.migration.Side;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journal as small property files, one a migration and side, replaced whole by rename. In the runtime directory, on tmpfs:
 * it outlives the daemon, not the host, like the guests that it speaks of.
 */
final class FileJournal implements Journal {
    private static final String SUFFIX = ".journal";

    private static final Logger LOG = LoggerFactory.getLogger(FileJournal.class);

    private final Path directory;

    FileJournal(Path directory) {
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
        p.setProperty("id", entry.id());
        p.setProperty("side", entry.side().name());
        p.setProperty("step", entry.step().name());
        p.setProperty("epoch", Long.toString(entry.epoch()));
        p.setProperty("guest", entry.guest());
        p.setProperty("peer", entry.peer());
        p.setProperty("requestId", entry.requestId());
        p.setProperty("keepSource", Boolean.toString(entry.keepSource()));
        p.setProperty("startedUnixMs", Long.toString(entry.startedUnixMs()));
        p.setProperty("postcopyBandwidth", Long.toString(entry.postcopyBandwidthBytesPerSecond()));
        p.setProperty("identity", entry.identity());
        p.setProperty("lostPages", entry.lostPages().action().name());
        p.setProperty("lostPageLimitNs", Long.toString(entry.lostPages().limitNs()));
        Path file = file(entry.id(), entry.side());
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try {
            StringWriter text = new StringWriter();
            p.store(text, null);
            try (FileChannel channel = FileChannel.open(
                    fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = StandardCharsets.UTF_8.encode(text.toString());
                while (bytes.hasRemaining()) {
                    channel.write(bytes); // a full tmpfs may take a part of it first
                }
                channel.force(true);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw failed("writing " + file, e);
        }
    }

    @Override
    public synchronized void remove(String id, Side side) {
        try {
            Files.deleteIfExists(file(id, side));
        } catch (IOException e) {
            throw failed("removing the journal of migration " + id, e);
        }
    }

    @Override
    public synchronized List<Entry> readAll() {
        List<Entry> entries = new ArrayList<>();
        unreadable(entries::add);
        return entries;
    }

    @Override
    public synchronized List<String> unreadable() {
        return unreadable(entry -> {});
    }

    private List<String> unreadable(Consumer<Entry> readable) {
        List<String> bad = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
            for (Path file : files) {
                try {
                    readable.accept(read(file));
                } catch (NoSuchFileException e) {
                    LOG.debug("{} was removed meanwhile", file);
                } catch (IOException e) {
                    LOG.error("journal {} cannot be read, nothing is done by it: {}", file, e.toString());
                    bad.add(file.toString());
                }
            }
        } catch (IOException e) {
            throw failed("reading " + directory, e);
        }
        return bad;
    }

    private static Entry read(Path file) throws IOException {
        Properties p = new Properties();
        try (Reader in = new StringReader(Files.readString(file))) {
            p.load(in);
            return new Entry(
                    p.getProperty("id", ""),
                    Side.valueOf(p.getProperty("side")),
                    Step.valueOf(p.getProperty("step")),
                    Long.parseLong(p.getProperty("epoch")),
                    p.getProperty("guest", ""),
                    p.getProperty("peer", ""),
                    p.getProperty("requestId", ""),
                    Boolean.parseBoolean(p.getProperty("keepSource")),
                    Long.parseLong(p.getProperty("startedUnixMs")),
                    Long.parseLong(p.getProperty("postcopyBandwidth", "0")),
                    lostPages(p),
                    p.getProperty("identity", ""));
        } catch (IllegalArgumentException | NullPointerException e) {
            throw new IOException(file + " is not a journal of this release: " + e.getMessage(), e);
        }
    }

    /** An entry of a release that had no policy: it waited. */
    private static LostPagePolicy lostPages(Properties p) {
        LostPagePolicy byDefault = LostPagePolicy.defaults();
        return new LostPagePolicy(
                LostPagePolicy.Action.valueOf(
                        p.getProperty("lostPages", byDefault.action().name())),
                Long.parseLong(p.getProperty("lostPageLimitNs", Long.toString(byDefault.limitNs()))));
    }

    private Path file(String id, Side side) {
        return directory.resolve(id + (side == Side.SOURCE ? ".out" : ".in") + SUFFIX);
    }

    private static FerryException failed(String what, IOException e) {
        return new FerryException(ErrorCategory.RESOURCE_EXHAUSTED, "journal: " + what + ": " + e, e);
    }
}
