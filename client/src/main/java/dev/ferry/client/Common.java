package dev.ferry.client;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What every command takes, before and after its name. A group has only this: without a subcommand it is a usage error. */
@Command(versionProvider = Main.Version.class)
abstract class Common {
    enum Format {
        table,
        json
    }

    @Option(
            names = {"-o", "--output"},
            paramLabel = "table|json",
            description = "how the result is printed (default: table)")
    Format format;

    @Option(
            names = "--endpoint",
            paramLabel = "ENDPOINT",
            description = "ferryd: unix:PATH or HOST:PORT (default: $FERRY_ENDPOINT, else " + Endpoint.DEFAULT + ")")
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

    @Spec
    CommandSpec spec;
}
