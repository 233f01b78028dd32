package dev.ferry.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Where the moves take place: a directory on tmpfs, the network between the hosts, and all that was started. Closing it, also
 * by the hook that runs at Ctrl-C, ends and removes everything, the last first; nothing can be started after that.
 */
final class Lab implements AutoCloseable {
    private final Path repository;
    private final Path root;
    private final Link link;
    private final Deque<AutoCloseable> owned = new ArrayDeque<>();
    private final Thread hook = new Thread(this::closeNow, "lab");
    private boolean closed;
    private int directories;

    Lab(Path repository, Link link) throws IOException {
        this.repository = repository;
        this.link = link;
        root = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-bench-");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    Path repository() {
        return repository;
    }

    Link link() {
        return link;
    }

    Path guestImage() {
        return repository.resolve("target/guest/verify/verify.elf");
    }

    /** A new empty directory, its name begins like this. */
    synchronized Path directory(String name) throws IOException {
        checkOpen();
        return Files.createDirectory(root.resolve(name + "-" + ++directories));
    }

    /** Starts a program on a host; it ends with the lab at the latest. */
    synchronized Process start(Link.Host host, List<String> command, Path output) throws IOException {
        checkOpen();
        List<String> all = new ArrayList<>(link.prefix(host));
        all.addAll(command);
        Process process = new ProcessBuilder(all)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()))
                .start();
        owned.push(() -> Programs.end(process));
        return process;
    }

    /** Closes this with the lab, if nobody did before: closing twice must do no harm. */
    synchronized <T extends AutoCloseable> T own(T resource) {
        owned.push(resource);
        return resource;
    }

    private void checkOpen() {
        if (closed) {
            throw new BenchException("the benchmark is ending");
        }
    }

    @Override
    public void close() {
        closeNow();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The hook is running: it found everything closed.
        }
    }

    private synchronized void closeNow() {
        closed = true;
        while (!owned.isEmpty()) {
            quietly(owned.pop());
        }
        quietly(() -> Programs.removeTree(root));
        quietly(link);
    }

    private static void quietly(AutoCloseable resource) {
        try {
            resource.close();
        } catch (Exception e) {
            System.err.println("bench: cleaning up: " + e);
        }
    }
}
