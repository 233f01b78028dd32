package dev.ferry.client;

import java.util.logging.Level;
import java.util.logging.Logger;

/** Starts the command line and ends the process with its exit code. */
final class Main {
    /** Held here: java.util.logging forgets the level of a logger that nobody holds. */
    private static final Logger LIBRARIES = Logger.getLogger("");

    /** Warns at each connection that a unix socket has no SO_KEEPALIVE, for which gRPC always asks. */
    private static final Logger SOCKET_OPTIONS = Logger.getLogger("io.netty.bootstrap");

    private Main() {}

    public static void main(String[] args) {
        Terminal terminal = Terminal.system();
        logging(terminal.isDebug());
        System.exit(Ferry.execute(terminal, args));
    }

    /** gRPC and Netty log what the command says itself, in words of its own. */
    static void logging(boolean isDebug) {
        LIBRARIES.setLevel(isDebug ? Level.INFO : Level.OFF);
        SOCKET_OPTIONS.setLevel(isDebug ? Level.SEVERE : Level.OFF);
    }
}
