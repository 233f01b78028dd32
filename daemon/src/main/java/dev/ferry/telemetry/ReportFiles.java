package dev.ferry.telemetry;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.ferry.v1.Report;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records of migrations in a directory, one file each, so that they outlive the daemon: no page data, only numbers and texts. At
 * most so many; the oldest go. What cannot be read is as good as not there: nothing depends on it. Guarded by the {@link Recorder}.
 */
final class ReportFiles {
    private static final Logger LOG = LoggerFactory.getLogger(ReportFiles.class);
    private static final Pattern ID = Pattern.compile("[0-9a-f]{16}");
    private static final String SUFFIX = ".report";

    /** A long one has 60 KiB. */
    private static final long MOST_BYTES = 4 << 20;

    private final Path directory;
    private final int most;
    private boolean hasFailed;

    ReportFiles(Path directory, int most) {
        this.directory = directory;
        this.most = most;
    }

    void write(Report report) {
        String id = report.getMigration().getId();
        if (!ID.matcher(id).matches()) {
            return;
        }
        Path fresh = directory.resolve(id + ".new");
        try {
            if (!Files.isDirectory(directory)) {
                Files.createDirectories(
                        directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            }
            Files.deleteIfExists(fresh);
            Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.write(fresh, report.toByteArray(), StandardOpenOption.WRITE);
            move(fresh, directory.resolve(id + SUFFIX));
            hasFailed = false;
        } catch (IOException e) {
            if (!hasFailed) {
                hasFailed = true;
                LOG.warn("records of migrations are not kept in {} (after a restart they are gone): {}", directory, e);
            }
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    Optional<Report> read(String id) {
        if (!ID.matcher(id).matches()) {
            return Optional.empty();
        }
        Path file = directory.resolve(id + SUFFIX);
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > MOST_BYTES) {
                return Optional.empty();
            }
            Report report = Report.parseFrom(Files.readAllBytes(file));
            return report.getMigration().getId().equals(id) ? Optional.of(report) : Optional.empty();
        } catch (InvalidProtocolBufferException e) {
            LOG.warn("{} is damaged: the record of this migration is lost", file);
            return Optional.empty();
        } catch (IOException e) {
            LOG.warn("{} cannot be read: {}", file, e.toString());
            return Optional.empty();
        }
    }

    /** Removes the oldest ones above the limit, and what a daemon that died was writing. */
    void tidy(Set<String> live) {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (Stream<Path> all = Files.list(directory)) {
            List<Path> files = all.toList();
            for (Path p : files) {
                if (p.toString().endsWith(".new")) {
                    Files.deleteIfExists(p);
                }
            }
            List<Path> oldest = files.stream()
                    .filter(p -> p.toString().endsWith(SUFFIX))
                    .filter(p -> !live.contains(p.getFileName().toString().replace(SUFFIX, "")))
                    .sorted(Comparator.comparing(ReportFiles::changed).reversed())
                    .skip(most)
                    .toList();
            for (Path p : oldest) {
                Files.deleteIfExists(p);
            }
        } catch (IOException e) {
            LOG.warn("{} cannot be tidied: {}", directory, e.toString());
        }
    }

    private static FileTime changed(Path file) {
        try {
            return Files.getLastModifiedTime(file);
        } catch (NoSuchFileException e) {
            return FileTime.fromMillis(0);
        } catch (IOException e) {
            return FileTime.fromMillis(0);
        }
    }
}
