package dev.ferry.sys;

import java.nio.file.Files;
import java.nio.file.Path;

/** A small file system of its own, unmounted on close whatever happened. */
record MountedFs(Path directory) implements AutoCloseable {
    static MountedFs mount(String type, String options) throws Exception {
        Path directory = Files.createTempDirectory("ferry-mount");
        try {
            CProgram.run("mount", "-t", type, "-o", options, "ferry-test", directory.toString());
        } catch (AssertionError e) {
            Files.delete(directory);
            throw e;
        }
        return new MountedFs(directory);
    }

    String file(String name) {
        return directory.resolve(name).toString();
    }

    @Override
    public void close() throws Exception {
        CProgram.run("umount", directory.toString());
        Files.delete(directory);
    }
}
