package dev.ferry.daemon;

import java.nio.file.FileSystemException;

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
        // "AccessDeniedException" says what its message, a bare path, does not.
        if (e.getMessage() == null || (e instanceof FileSystemException f && f.getReason() == null)) {
            return e.getMessage() == null
                    ? e.getClass().getSimpleName()
                    : e.getMessage() + ": " + e.getClass().getSimpleName();
        }
        return e.getMessage();
    }
}
