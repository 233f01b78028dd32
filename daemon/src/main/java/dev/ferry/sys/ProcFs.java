package dev.ferry.sys;

import dev.ferry.base.FerryException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** /proc readers. NOT_FOUND when the process is gone. */
public final class ProcFs {
    private static final String DELETED = " (deleted)";
    /** Of /proc/PID/stat, counted from the state, the first field behind the name: proc_pid_stat(5) field 22. */
    private static final int START_TIME_AFTER_NAME = 19;

    private ProcFs() {}

    public static List<String> commandLine(int pid) {
        String text = ProcFiles.text(ProcFiles.path(pid, "cmdline"));
        List<String> arguments = new ArrayList<>();
        // Each argument ends with a NUL, also the last, and an empty one is an argument too.
        for (int start = 0, end; start < text.length(); start = end + 1) {
            end = text.indexOf('\0', start);
            end = end < 0 ? text.length() : end;
            arguments.add(text.substring(start, end));
        }
        return List.copyOf(arguments);
    }

    /** The binary that it runs, resolved; also when deleted since (without the " (deleted)"). */
    public static String executable(int pid) {
        String path = ProcFiles.link(pid, "exe");
        return path.endsWith(DELETED) ? path.substring(0, path.length() - DELETED.length()) : path;
    }

    /** How likely it is ended when the host is out of memory: proc_pid_oom_score_adj(5), from −1000 to 1000. */
    public static int oomScoreAdjust(int pid) {
        return Integer.parseInt(
                ProcFiles.text(ProcFiles.path(pid, "oom_score_adj")).strip());
    }

    /** PERMISSION_DENIED without CAP_SYS_RESOURCE, when it is lowered. */
    public static void setOomScoreAdjust(int pid, int score) {
        ProcFiles.write(ProcFiles.path(pid, "oom_score_adj"), Integer.toString(score));
    }

    public static String workingDirectory(int pid) {
        return ProcFiles.link(pid, "cwd");
    }

    /** Descriptor number to what /proc/PID/fd/N links to, by number. Those that close meanwhile are left out. */
    public static Map<Integer, String> descriptors(int pid) {
        Map<Integer, String> links = new TreeMap<>();
        for (String number : descriptorNumbers(pid)) {
            linkOf(pid, number).ifPresent(link -> links.put(Integer.valueOf(number), link));
        }
        return links;
    }

    private static Optional<String> linkOf(int pid, String number) {
        try {
            return Optional.of(ProcFiles.link(pid, "fd/" + number));
        } catch (FerryException closedMeanwhile) {
            return Optional.empty();
        }
    }

    private static List<String> descriptorNumbers(int pid) {
        return ProcFiles.read(ProcFiles.path(pid, "fd"), directory -> {
            List<String> names = new ArrayList<>();
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
                entries.forEach(entry -> names.add(entry.getFileName().toString()));
            }
            return names;
        });
    }

    /** st_dev:st_ino of one descriptor of that process, as {@link RamFile#identity}. */
    public static String descriptorIdentity(int pid, int fd) {
        return FileStatus.of("/proc/" + pid + "/fd/" + fd).identity();
    }

    /** In clock ticks since boot: with the pid, names a process for good. */
    public static long startTime(int pid) {
        String stat = ProcFiles.text(ProcFiles.path(pid, "stat"));
        // The name stands in parentheses and may contain anything, parentheses too: count from the last one.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", START_TIME_AFTER_NAME + 2);
        return Long.parseLong(fields[START_TIME_AFTER_NAME]);
    }

    /** MemAvailable of /proc/meminfo in bytes. */
    public static long memoryAvailableBytes() {
        String line = ProcFiles.text(Path.of("/proc/meminfo"))
                .lines()
                .filter(l -> l.startsWith("MemAvailable:"))
                .findFirst()
                .orElseThrow(() -> new SysException("MemAvailable in /proc/meminfo", Errno.ENOENT));
        return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
    }
}
