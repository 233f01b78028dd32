package dev.ferry.client;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a command prints to and is told by its environment.
 *
 * @param isLive stderr is a terminal on which a line can be drawn again
 */
record Terminal(PrintStream out, PrintStream err, boolean isLive, Map<String, String> environment) {

    /** This process's own, UTF-8 whatever the locale. */
    static Terminal system() {
        Map<String, String> environment = System.getenv();
        return new Terminal(
                stream(FileDescriptor.out),
                stream(FileDescriptor.err),
                isTerminal(Path.of("/proc/self/fd/2")) && !"dumb".equals(environment.get("TERM")),
                environment);
    }

    private static PrintStream stream(FileDescriptor fd) {
        return new PrintStream(new FileOutputStream(fd), true, StandardCharsets.UTF_8);
    }

    /** {@code System.console()} looks at stdin and stdout; progress goes to stderr. */
    private static boolean isTerminal(Path descriptor) {
        try {
            String opened = Files.readSymbolicLink(descriptor).toString();
            return opened.startsWith("/dev/pts/") || opened.startsWith("/dev/tty") || opened.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    /** FERRY_DEBUG=1: errors with their stack traces. */
    boolean isDebug() {
        return "1".equals(environment.get("FERRY_DEBUG"));
    }

    /** One message about this command, to stderr. */
    void say(String text) {
        err.println("ferry: " + text);
    }
}
