package dev.ferry.qemu;

import dev.ferry.base.FerryException;
import dev.ferry.sys.UntrustedFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is in a guest's directory. It may be the user's that QEMU runs as, who may put anything there at any time. */
final class GuestFiles {
    private static final Logger LOG = LoggerFactory.getLogger(GuestFiles.class);
    private static final int NUMBER_BYTES = 32;
    private static final int LOG_TAIL_BYTES = 2000;

    private GuestFiles() {}

    /** Of the process that was started for it. */
    static Optional<Integer> started(Path directory) {
        // Whole only with the end of its line.
        return UntrustedFile.start(directory.resolve(QemuStarter.STARTED), NUMBER_BYTES)
                .filter(text -> text.endsWith("\n"))
                .flatMap(GuestFiles::number);
    }

    private static Optional<Integer> number(String line) {
        try {
            return Optional.of(Integer.valueOf(line.strip()));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** The end of what QEMU said, or nothing. */
    static String logTail(Path directory) {
        return UntrustedFile.end(directory.resolve(QemuStarter.LOG_FILE), LOG_TAIL_BYTES)
                .orElse("");
    }

    /** Afterwards the name is free, whatever is in the directory and whoever is still at it. Blocks for seconds at most. */
    static void remove(Path directory) {
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try {
            removePlain(directory);
        } catch (IOException | DirectoryIteratorException e) {
            LOG.debug("there is more in {} than files", directory, e);
            removeTree(directory);
        }
    }

    private static void removePlain(Path directory) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                Files.deleteIfExists(entry);
            }
        }
        Files.delete(directory);
    }

    /** rm(1) never leaves the directory while somebody changes it, and does not mind how deep it is. */
    private static void removeTree(Path directory) {
        Path away = directory.resolveSibling(".removed-" + UUID.randomUUID());
        try {
            Files.move(directory, away);
            EmulatorOutput.of("rm", "-rf", "--", away.toString());
        } catch (IOException | UncheckedIOException | FerryException e) {
            LOG.warn("could not remove {}", directory, e);
        }
        if (Files.exists(away, LinkOption.NOFOLLOW_LINKS)) {
            LOG.warn("what was left in {} is now {}: remove that as root", directory, away);
        }
    }
}
