package dev.ferry.sys;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads of /proc with errors as everywhere else: a process that is gone is NOT_FOUND. */
final class ProcFiles {
    @FunctionalInterface
    interface Reading<T> {
        T of(Path path) throws IOException;
    }

    private ProcFiles() {}

    static Path path(int pid, String name) {
        return Path.of("/proc", Integer.toString(pid), name);
    }

    /** Bytes that are no UTF-8 (paths may have them) become replacement characters. */
    static String text(Path path) {
        return read(path, p -> new String(Files.readAllBytes(p), StandardCharsets.UTF_8));
    }

    static void write(Path path, String text) {
        read(path, p -> Files.writeString(p, text));
    }

    static String link(int pid, String name) {
        return read(path(pid, name), p -> Files.readSymbolicLink(p).toString());
    }

    static <T> T read(Path path, Reading<T> reading) {
        try {
            return reading.of(path);
        } catch (NoSuchFileException e) {
            throw caused(new SysException("read " + path, Errno.ENOENT), e);
        } catch (AccessDeniedException e) {
            throw caused(new SysException("read " + path, Errno.EACCES), e);
        } catch (IOException e) {
            // The process ended between open and read: ESRCH, which Java has no exception class for.
            if (Files.notExists(path) || String.valueOf(e.getMessage()).contains(Errno.describe(Errno.ESRCH))) {
                throw caused(new SysException("read " + path, Errno.ESRCH), e);
            }
            throw new FerryException(ErrorCategory.INTERNAL, "read " + path + ": " + e.getMessage(), e);
        }
    }

    private static SysException caused(SysException exception, IOException cause) {
        exception.initCause(cause);
        return exception;
    }
}
