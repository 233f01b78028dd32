package dev.ferry.daemon;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** An error as one line for a person. */
final class StartError {
    private StartError() {}

    static String text(Throwable error) {
        StringBuilder text = new StringBuilder();
        for (Throwable e = error; e != null; e = e.getCause()) {
            String part = part(e);
            if (text.indexOf(part) < 0) {
                text.append(text.isEmpty() ? "" : ": ").append(part);
            }
        }
        return text.toString().replaceAll("\\s*[\\r\\n]+\\s*", " | ");
    }

    private static String part(Throwable e) {
        if (e.getMessage() == null) {
            return e.getClass().getSimpleName();
        }
        if (!(e instanceof FileSystemException f) || f.getReason() != null) {
            return e.getMessage();
        }
        // Its message is a bare path.
        return f.getMessage()
                + (e instanceof NoSuchFileException
                        ? ": no such file"
                        : e instanceof AccessDeniedException
                                ? ": permission denied"
                                : ": " + e.getClass().getSimpleName());
    }
}
