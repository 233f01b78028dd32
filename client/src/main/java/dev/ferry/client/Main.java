package dev.ferry.client;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The ferry command: picks a command, turns every failure into one line and an exit code. */
@Command(
        name = "ferry",
        description = "Moves running virtual machines between hosts.",
        versionProvider = Main.Version.class,
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
final class Main implements Runnable {
    @Option(
            names = {"-o", "--output"},
            description = "table or json")
    Options.Format format;

    @Option(names = "--endpoint", description = "unix:PATH or HOST:PORT of ferryd")
    String endpoint;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this help")
    boolean help;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "show the version")
    boolean version;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String v = Main.class.getPackage().getImplementationVersion();
            return new String[] {"ferry " + (v == null ? "(not packaged)" : v)};
        }
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "say what to do; ferry --help lists the commands");
    }

    /** Kept, because java.util.logging forgets loggers that nobody holds. netty warns of an option that unix sockets lack. */
    private static final Logger NETTY = Logger.getLogger("io.netty");

    public static void main(String[] args) {
        NETTY.setLevel(Level.SEVERE);
        System.exit(new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((e, command, parsed) -> explain(e))
                .execute(args));
    }

    static int explain(Exception e) {
        if (System.getenv("FERRY_DEBUG") != null) {
            e.printStackTrace();
        }
        if (e instanceof UsageException) {
            System.err.println("ferry: " + e.getMessage());
            return ExitCodes.USAGE;
        }
        if (e instanceof NoDaemonException) {
            System.err.println("ferry: " + e.getMessage());
            return ExitCodes.of(Status.UNAVAILABLE);
        }
        if (e instanceof StatusRuntimeException s) {
            String text = s.getStatus().getDescription();
            boolean nobody = s.getStatus().getCode() == Status.Code.UNAVAILABLE;
            System.err.println("ferry: " + s.getStatus().getCode() + ": " + (text == null ? "no description" : text)
                    + (nobody ? ": is ferryd running at this endpoint?" : ""));
            return ExitCodes.of(s.getStatus());
        }
        System.err.println("ferry: " + e);
        return ExitCodes.of(Status.UNKNOWN);
    }
}
