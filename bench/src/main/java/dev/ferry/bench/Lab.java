package dev.ferry.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Where the moves take place: a directory on tmpfs, the network between the hosts, and all that was started. Closing it, also
 * by the hook that runs at Ctrl-C, ends and removes everything, the last first.
 */
final class Lab implements AutoCloseable {
    private final Path repository;
    private final Path root;
    private final Link link;
    private final Deque<AutoCloseable> owned = new ArrayDeque<>();
    private int directories;

    Lab(Path repository, Link link) throws IOException {
        this.repository = repository;
        this.link = link;
        root = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-bench-");
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "lab"));
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
        return Files.createDirectory(root.resolve(name + "-" + ++directories));
    }

    /** Closes this with the lab, if nobody did before: closing twice must do no harm. */
    synchronized <T extends AutoCloseable> T own(T resource) {
        owned.push(resource);
        return resource;
    }

    @Override
    public synchronized void close() {
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
