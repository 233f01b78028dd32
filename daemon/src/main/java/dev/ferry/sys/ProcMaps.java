package dev.ferry.sys;

import dev.ferry.base.FerryException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** /proc/PID/maps (proc_pid_maps(5)). */
public final class ProcMaps {
    private static final Path PROC = Path.of("/proc");

    /**
     * @param permissions for example "rw-p"
     * @param device "major:minor" in hex as printed
     * @param path empty for anonymous memory; as printed, so with " (deleted)" where the file has no name any more
     */
    public record Mapping(
            long start, long end, String permissions, long offset, String device, long inode, String path) {
        public long lengthBytes() {
            return end - start;
        }

        public boolean isShared() {
            return permissions.charAt(3) == 's';
        }

        boolean isExecutable() {
            return permissions.charAt(2) == 'x';
        }
    }

    private ProcMaps() {}

    /** In order of address. NOT_FOUND when the process is gone; a kernel thread or a zombie has none. */
    public static List<Mapping> read(int pid) {
        return parse(ProcFiles.text(ProcFiles.path(pid, "maps")));
    }

    static List<Mapping> parse(String maps) {
        return maps.lines().map(ProcMaps::parseLine).toList();
    }

    private static Mapping parseLine(String line) {
        // start-end perms offset dev inode path: five fields, blanks, and the path may have blanks of its own.
        String[] fields = line.split(" +", 6);
        int dash = fields[0].indexOf('-');
        return new Mapping(
                Long.parseUnsignedLong(fields[0].substring(0, dash), 16),
                Long.parseUnsignedLong(fields[0].substring(dash + 1), 16),
                fields[1],
                Long.parseUnsignedLong(fields[2], 16),
                fields[3],
                Long.parseUnsignedLong(fields[4]),
                // The kernel escapes newlines in names, and nothing else.
                fields.length > 5 ? fields[5].replace("\\012", "\n") : "");
    }

    /** Every other process that maps a file with this device and inode; unreadable and vanished processes are passed over. */
    public static List<Integer> mappersOf(String device, long inode) {
        int self = Math.toIntExact(ProcessHandle.current().pid());
        String wanted = " " + device + " " + inode + " ";
        List<Integer> mappers = new ArrayList<>();
        for (int pid : processes()) {
            if (pid != self && maps(pid, wanted)) {
                mappers.add(pid);
            }
        }
        return mappers;
    }

    private static boolean maps(int pid, String wanted) {
        try {
            return ProcFiles.text(ProcFiles.path(pid, "maps")).contains(wanted);
        } catch (FerryException vanishedOrUnreadable) {
            return false;
        }
    }

    private static List<Integer> processes() {
        return ProcFiles.read(PROC, proc -> {
            List<Integer> pids = new ArrayList<>();
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(proc, "[1-9]*")) {
                entries.forEach(
                        entry -> pids.add(Integer.parseInt(entry.getFileName().toString())));
            }
            return pids;
        });
    }
}
