package dev.ferry.sys;

import java.util.List;

/** /proc/PID/maps (proc_pid_maps(5)). */
public final class ProcMaps {
    /**
     * @param permissions for example "rw-p"
     * @param device "major:minor" in hex as printed
     * @param path empty for anonymous memory
     */
    public record Mapping(
            long start, long end, String permissions, long offset, String device, long inode, String path) {
        public long lengthBytes() {
            return end - start;
        }

        public boolean isShared() {
            return permissions.charAt(3) == 's';
        }
    }

    private ProcMaps() {}

    public static List<Mapping> read(int pid) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Every other process that maps a file with this device and inode; unreadable and vanished processes are passed over. */
    public static List<Integer> mappersOf(String device, long inode) {
        throw new UnsupportedOperationException("skeleton");
    }
}
