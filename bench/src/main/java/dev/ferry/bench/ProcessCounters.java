package dev.ferry.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel counts about a process: proc(5). */
final class ProcessCounters {
    private static final double TICKS_PER_SECOND = 100; // USER_HZ of x86-64
    private static final int UTIME = 11; // of the fields after the name in parentheses
    private static final int STIME = 12;
    private static final int RECEIVED = 0; // bytes, of the fields after the interface's name
    private static final int SENT = 8;

    private ProcessCounters() {}

    /** User and system time of a process with all its threads, those that ended included. */
    static double cpuSeconds(long pid) {
        return cpu(Path.of("/proc/" + pid + "/stat"));
    }

    static double threadCpuSeconds(long pid, long thread) {
        return cpu(Path.of("/proc/" + pid + "/task/" + thread + "/stat"));
    }

    private static double cpu(Path stat) {
        String text = read(stat);
        String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[UTIME]) + Long.parseLong(fields[STIME])) / TICKS_PER_SECOND;
    }

    /** Bytes through an interface of the process's network namespace, both directions; loopback's are counted once. */
    static long interfaceBytes(long pid, String name) {
        for (String line : read(Path.of("/proc/" + pid + "/net/dev")).split("\n")) {
            String[] parts = line.strip().split(":", 2);
            if (parts[0].equals(name)) {
                String[] fields = parts[1].strip().split(" +");
                long sent = Long.parseLong(fields[SENT]);
                return name.equals("lo") ? sent : sent + Long.parseLong(fields[RECEIVED]);
            }
        }
        throw new BenchException("process " + pid + " has no interface " + name);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new BenchException("reading " + file, e);
        }
    }
}
