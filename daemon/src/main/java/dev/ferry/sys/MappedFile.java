package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Predicate;

/**
 * The file behind another process's shared mapping. That process may be hostile, and chooses what it maps: only a file is
 * opened for writing that it can write itself, which a shared mapping that is writable shows.
 */
public final class MappedFile {
    private static final int O_PATH = 0x200000;

    /** Of the line Uid in /proc/PID/status, proc(5). */
    private static final int FILE_SYSTEM_UID = 4;

    private MappedFile() {}

    /**
     * Opens it for writing. FAILED_PRECONDITION: it is not what is meant, or that process cannot write it.
     *
     * @param path of the mapping at that address, in /proc/PID/map_files
     * @param meant asked about the {@link RamFile#identity} before anything is opened for writing
     */
    public static RamFile open(int pid, long address, String path, Predicate<String> meant) {
        // By O_PATH, which does nothing to whatever it is: from here on it is one file, whatever is mapped there
        // meanwhile.
        try (Fd found = Fd.open(path, O_PATH, 0)) {
            FileStatus status = FileStatus.of(found);
            if (!meant.test(status.identity()) || !isWritten(pid, address, found, status)) {
                throw new FerryException(
                        ErrorCategory.FAILED_PRECONDITION,
                        "process " + pid + " has another file than its guest's RAM mapped at "
                                + Long.toHexString(address) + ", or may not write it (device:inode "
                                + status.identity() + "): nothing is written there");
            }
            return RamFile.open("/proc/self/fd/" + found.raw(), true);
        }
    }

    /**
     * Where maps names another device than stat does, as on overlayfs and btrfs, the mapping cannot be told from another one: then the
     * file has to be the user's whose process it is.
     */
    private static boolean isWritten(int pid, long address, Fd file, FileStatus status) {
        return ProcMaps.read(pid).stream()
                .filter(m -> m.start() <= address
                        && address < m.end()
                        && m.isShared()
                        && m.permissions().startsWith("rw"))
                .anyMatch(m ->
                        (m.inode() == status.inode() && m.device().equals(status.mapsDevice())) || isItsOwn(pid, file));
    }

    private static boolean isItsOwn(int pid, Fd file) {
        try {
            int owner = (Integer) Files.getAttribute(Path.of("/proc/self/fd/" + file.raw()), "unix:uid");
            return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                    .filter(line -> line.startsWith("Uid:"))
                    .map(line -> line.split("\\s+", -1))
                    .anyMatch(ids -> Integer.parseInt(ids[FILE_SYSTEM_UID]) == owner);
        } catch (IOException e) {
            return false; // it has ended
        }
    }
}
