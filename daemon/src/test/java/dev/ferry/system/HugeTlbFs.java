package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A hugetlbfs of 2 MiB pages, which are taken from the machine on demand; all is put back on close. */
final class HugeTlbFs implements AutoCloseable {
    private static final Path LIMIT = Path.of("/proc/sys/vm/nr_overcommit_hugepages");
    private static final int PAGES = 64;

    private final Path mount;

    HugeTlbFs() throws Exception {
        mount = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-huge-");
        allow(PAGES);
        run("mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "ferry-test-huge", mount.toString());
    }

    String configuration() {
        return "[guests]\nram_dir = \"" + mount + "\"\n";
    }

    List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(mount)) {
            return files.toList();
        }
    }

    @Override
    public void close() throws Exception {
        run("umount", "-l", mount.toString());
        Files.delete(mount);
        allow(-PAGES);
    }

    private static void allow(int more) throws IOException {
        // In one read: the kernel says end of file at the second one, whatever was left.
        int now;
        try (BufferedReader in = Files.newBufferedReader(LIMIT)) {
            now = Integer.parseInt(in.readLine().strip());
        }
        Files.writeString(LIMIT, Integer.toString(now + more));
    }

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}
