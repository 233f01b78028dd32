package dev.ferry.sys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Lets the machine have a few 2 MiB pages on demand, and puts the limit back on close. */
final class HugePages implements AutoCloseable {
    private static final Path LIMIT = Path.of("/proc/sys/vm/nr_overcommit_hugepages");

    private final String before;

    private HugePages(String before) {
        this.before = before;
    }

    static HugePages allow(int count) throws IOException {
        String before = Files.readString(LIMIT);
        Files.writeString(LIMIT, Integer.toString(count));
        return new HugePages(before);
    }

    @Override
    public void close() throws IOException {
        Files.writeString(LIMIT, before);
    }
}
