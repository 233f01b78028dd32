package dev.ferry.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The runtime directory: what is in it must end with the host. */
final class RuntimeDirectory {
    private static final Logger LOG = LoggerFactory.getLogger(RuntimeDirectory.class);
    private static final Set<String> IN_MEMORY = Set.of("tmpfs", "ramfs");

    private RuntimeDirectory() {}

    /** Makes the directory if it is missing. */
    static DirectoryLock take(Path dir) throws IOException {
        DirectoryLock lock = DirectoryLock.take("runtime_dir", dir);
        String type = Files.getFileStore(dir).type();
        if (!IN_MEMORY.contains(type)) {
            LOG.warn(
                    "runtime_dir {} is on {}, not on tmpfs: what a crash of the host leaves there is wrong afterwards",
                    dir,
                    type);
        }
        return lock;
    }
}
