package dev.ferry.client;

import java.util.logging.Level;
import java.util.logging.Logger;

/** Starts the command line and ends the process with its exit code. */
final class Main {
    /** Held here: java.util.logging forgets the level of a logger that nobody holds. */
    private static final Logger LIBRARIES = Logger.getLogger("");

    private Main() {}

    public static void main(String[] args) {
        Terminal terminal = Terminal.system();
        // gRPC and Netty log what the command says itself, in words of its own.
        LIBRARIES.setLevel(terminal.isDebug() ? Level.INFO : Level.OFF);
        System.exit(Ferry.execute(terminal, args));
    }
}
