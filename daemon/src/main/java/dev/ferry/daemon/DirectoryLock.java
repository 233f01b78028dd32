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

/** A directory that one daemon uses, by a lock that the kernel takes back when the process ends, however it ends. */
final class DirectoryLock implements AutoCloseable {
    private static final String LOCK_FILE = "lock";

    private final FileChannel file;

    private DirectoryLock(FileChannel file) {
        this.file = file;
    }

    /**
     * Makes the directory if it is missing.
     *
     * @param key of the configuration, for the error
     */
    static DirectoryLock take(String key, Path dir) throws IOException {
        Files.createDirectories(dir);
        FileChannel file = FileChannel.open(
                dir.resolve(LOCK_FILE), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            if (tryLock(file) == null) {
                throw new FileSystemException(
                        dir.toString(), null, "another ferryd" + holder(file) + " uses this " + key);
            }
            file.truncate(0);
            file.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
            return new DirectoryLock(file);
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
