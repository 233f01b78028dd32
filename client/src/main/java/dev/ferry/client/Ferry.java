package dev.ferry.client;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.TypeConversionException;

/** The command {@code ferry} itself: what holds for every command below it. */
@Command(
        name = "ferry",
        description = "Moves running QEMU guests between hosts.",
        scope = ScopeType.INHERIT,
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            " 0:done",
            " 1:the migration failed or was cancelled (the message says where the guest is), the guest cannot move, or guests are left",
            " 2:usage",
            "64 + N:an RPC error; N is the gRPC status code (78: ferryd cannot be reached)"
        },
        subcommands = {
            GuestCommand.class,
            CheckCommand.class,
            MigrateCommand.class,
            EvacuateCommand.class,
            ListCommand.class,
            ShowCommand.class,
            WatchCommand.class,
            ReportCommand.class,
            PostcopyCommand.class,
            LimitCommand.class,
            CancelCommand.class,
            ResumeCommand.class,
            RollbackCommand.class,
            StatusCommand.class,
            TlsCommand.class
        })
final class Ferry {
    private final Terminal terminal;
    private final Patience patience;

    @Option(
            names = "--endpoint",
            scope = ScopeType.INHERIT,
            paramLabel = "ADDRESS",
            description = {
                "the ferryd to talk to: unix:PATH or HOST:PORT",
                "(default: $FERRY_ENDPOINT, else " + Endpoint.DEFAULT + ")"
            })
    private Endpoint endpoint;

    @Option(
            names = "--tls",
            scope = ScopeType.INHERIT,
            paramLabel = "DIR|off",
            description = {
                "for HOST:PORT: the directory with ca.crt, client.crt and client.key, or off, for a ferryd without TLS",
                "(default: $FERRY_TLS, else ~/.config/ferry/tls, else /etc/ferry/client)"
            })
    private String tls;

    @Option(
            names = {"-o", "--output"},
            scope = ScopeType.INHERIT,
            paramLabel = "FORMAT",
            description = "table or json (default: table)")
    private Format format = Format.TABLE;

    private Ferry(Terminal terminal, Patience patience) {
        this.terminal = terminal;
        this.patience = patience;
    }

    /** @return the exit code */
    static int execute(Terminal terminal, String... args) {
        return execute(terminal, Patience.USUAL, args);
    }

    static int execute(Terminal terminal, Patience patience, String... args) {
        return commandLine(terminal, patience).execute(args);
    }

    /** With every command below it, for what describes them. */
    static CommandLine commandLine(Terminal terminal) {
        return commandLine(terminal, Patience.USUAL);
    }

    private static CommandLine commandLine(Terminal terminal, Patience patience) {
        Ferry ferry = new Ferry(terminal, patience);
        return new CommandLine(ferry)
                .registerConverter(Endpoint.class, converter(Endpoint::parse))
                .registerConverter(Format.class, converter(Format::parse))
                .registerConverter(PeerAddresses.class, converter(PeerAddresses::parse))
                .registerConverter(Limit.class, converter(Limit::parse))
                .registerConverter(LostPages.class, converter(LostPages::parse))
                .registerConverter(Rate.class, converter(Rate::parse))
                .setOverwrittenOptionsAllowed(true)
                .setOut(new PrintWriter(terminal.out(), true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(terminal.err(), true, StandardCharsets.UTF_8))
                .setParameterExceptionHandler((e, a) -> Errors.usage(terminal, e))
                .setExecutionExceptionHandler((e, command, result) -> Errors.report(terminal, ferry.where(), e));
    }

    private static <T> ITypeConverter<T> converter(Function<String, T> parse) {
        return text -> {
            try {
                return parse.apply(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        };
    }

    /** From the option, the environment, or where ferryd listens by itself. */
    Endpoint endpoint() {
        if (endpoint != null) {
            return endpoint;
        }
        String said = terminal.environment().getOrDefault("FERRY_ENDPOINT", "");
        try {
            return Endpoint.parse(said.isEmpty() ? Endpoint.DEFAULT : said);
        } catch (IllegalArgumentException e) {
            throw new UsageException("FERRY_ENDPOINT: " + e.getMessage(), e);
        }
    }

    /** As {@link TlsChoice#of}. */
    Optional<Path> tls() {
        return TlsChoice.of(tls, terminal.environment());
    }

    /** For a message about an error: never one more error. */
    private String where() {
        try {
            return endpoint().toString();
        } catch (UsageException e) {
            return "?";
        }
    }

    Terminal terminal() {
        return terminal;
    }

    Patience patience() {
        return patience;
    }

    Format format() {
        return format;
    }

    /** How to call ferry again for the same daemon, for hints that can be pasted. */
    String again(String command) {
        return "ferry " + (endpoint == null ? "" : "--endpoint " + endpoint + " ")
                + (tls == null ? "" : "--tls " + tls + " ") + command;
    }
}
