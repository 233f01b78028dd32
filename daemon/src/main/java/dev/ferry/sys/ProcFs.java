package dev.ferry.sys;

import java.util.List;
import java.util.Map;

/** /proc readers. NOT_FOUND when the process is gone. */
public final class ProcFs {
    private ProcFs() {}

    public static List<String> commandLine(int pid) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** The binary that it runs, resolved; also when deleted since (without the " (deleted)"). */
    public static String executable(int pid) {
        throw new UnsupportedOperationException("skeleton");
    }

    public static String workingDirectory(int pid) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** Descriptor number to what /proc/PID/fd/N links to. */
    public static Map<Integer, String> descriptors(int pid) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** st_dev:st_ino of one descriptor of that process, as {@link RamFile#identity}. */
    public static String descriptorIdentity(int pid, int fd) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** In clock ticks since boot: with the pid, names a process for good. */
    public static long startTime(int pid) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** MemAvailable of /proc/meminfo in bytes. */
    public static long memoryAvailableBytes() {
        throw new UnsupportedOperationException("skeleton");
    }
}
