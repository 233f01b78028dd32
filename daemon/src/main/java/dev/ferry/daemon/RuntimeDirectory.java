package dev.ferry.daemon;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The runtime directory, held by a lock as long as this daemon lives: two never share one. */
final class RuntimeDirectory implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RuntimeDirectory.class);
    private static final Set<String> IN_MEMORY = Set.of("tmpfs", "ramfs");
    private static final String LOCK_FILE = "lock";

    private final FileChannel file;

    private RuntimeDirectory(FileChannel file) {
        this.file = file;
    }

    /** Makes the directory if it is missing. */
    static RuntimeDirectory take(Path dir) throws IOException {
        Files.createDirectories(dir);
        String type = Files.getFileStore(dir).type();
        if (!IN_MEMORY.contains(type)) {
            LOG.warn(
                    "runtime_dir {} is on {}, not on tmpfs: what a crash of the host leaves there is wrong afterwards",
                    dir,
                    type);
        }
        Path path = dir.resolve(LOCK_FILE);
        FileChannel file =
                FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            if (tryLock(file) == null) {
                throw new FileSystemException(
                        path.toString(), null, "another ferryd" + holder(file) + " uses this runtime_dir");
            }
            file.truncate(0);
            file.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
            return new RuntimeDirectory(file);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static FileLock tryLock(FileChannel file) throws IOException {
        try {
            return file.tryLock();
        } catch (OverlappingFileLockException heldByThisProcess) {
            return null;
        }
    }

    private static String holder(FileChannel file) throws IOException {
        ByteBuffer pid = ByteBuffer.allocate(16);
        file.read(pid, 0);
        String text = new String(pid.array(), 0, pid.position(), StandardCharsets.US_ASCII).strip();
        return text.matches("[0-9]+") ? " (process " + text + ")" : "";
    }

    /** The file stays: removing it would let two daemons lock two files of one name. */
    @Override
    public void close() throws IOException {
        file.close();
    }
}
