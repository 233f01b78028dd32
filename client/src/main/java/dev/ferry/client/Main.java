package dev.ferry.client;

import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The ferry command: picks a command, turns every failure into one line and an exit code. */
@Command(
        name = "ferry",
        description = "Moves running virtual machines between hosts.",
        footer = {
            "",
            "Exit codes: 0 done; 1 the migration failed or was cancelled, or the guest cannot move; 2 usage;",
            "64 + the gRPC status code where a call failed (78: no ferryd there)."
        },
        subcommands = {
            GuestCommand.class,
            CheckCommand.class,
            MigrateCommand.class,
            MigrationCommands.ListAll.class,
            MigrationCommands.Show.class,
            MigrationCommands.Watch.class,
            MigrationCommands.Postcopy.class,
            MigrationCommands.Cancel.class
        })
final class Main extends Common {
    /** Kept, because java.util.logging forgets loggers that nobody holds. netty warns of an option that unix sockets lack. */
    private static final Logger NETTY = Logger.getLogger("io.netty");

    final Output output;

    Main(Output output) {
        this.output = output;
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String v = Main.class.getPackage().getImplementationVersion();
            return new String[] {"ferry " + (v == null ? "(not packaged)" : v)};
        }
    }

    public static void main(String[] args) {
        System.exit(run(Output.ofProcess(), args));
    }

    static int run(Output output, String... args) {
        NETTY.setLevel(Level.SEVERE);
        return new CommandLine(new Main(output))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOut(writer(output.out))
                .setErr(writer(output.err))
                .setExecutionExceptionHandler((e, command, parsed) -> Errors.explain(e, output))
                .execute(args);
    }

    private static PrintWriter writer(PrintStream stream) {
        return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
    }
}
