package dev.ferry.client;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * Writes the completion scripts of bash and zsh when the package is built: one function with every command that there is, for both
 * of them, and the fixed parts beside this class. {@code bin/package} calls it.
 */
final class Completions {
    /** What a parameter of this label is completed with: words, or what completion.sh knows. */
    private static final Map<String, String> VALUES = Map.of(
            "NAME", "guest",
            "DIR|off", "directory",
            "ID", "migration",
            "FILE", "file",
            "FILE.toml", "file",
            "SOCKET", "file",
            "DIR", "directory",
            "FORMAT", "table,json",
            "POLICY", "wait,stop,poison");

    private Completions() {}

    /** @param args {@code bash} or {@code zsh} */
    public static void main(String[] args) throws IOException {
        System.out.print(script(args[0]));
    }

    static String script(String shell) throws IOException {
        StringBuilder table = new StringBuilder(shell.equals("zsh") ? "#compdef ferry\n" : "")
                .append("# Completion of ferry(1). Made from its commands: dev.ferry.client.Completions.\n\n")
                .append("_ferry_commands() {\n  case $1 in\n");
        append(Ferry.commandLine(Terminal.system()).getCommandSpec(), "ferry", table);
        return table.append("  esac\n}\n\n") + resource("completion.sh") + "\n" + resource("completion." + shell);
    }

    private static void append(CommandSpec command, String name, StringBuilder table) {
        table.append("    \"").append(name).append("\")\n      cat <<'END'\n");
        Map<String, CommandLine> below = command.subcommands();
        below.keySet().forEach(word -> table.append("command ").append(word).append('\n'));
        for (OptionSpec option : command.options()) {
            for (String word : option.names()) {
                if (option.arity().max() == 0) {
                    table.append("flag ").append(word).append('\n');
                } else {
                    table.append("option ")
                            .append(word)
                            .append(' ')
                            .append(value(option))
                            .append('\n');
                }
            }
        }
        for (PositionalParamSpec operand : command.positionalParameters()) {
            table.append("operand ").append(value(name, operand)).append('\n');
        }
        table.append("END\n      ;;\n");
        below.forEach((word, line) -> append(line.getCommandSpec(), name + " " + word, table));
    }

    private static String value(OptionSpec option) {
        // An ID that is given with an option is the caller's own, and so is nothing that there is already.
        return option.paramLabel().equals("ID") ? "any" : VALUES.getOrDefault(option.paramLabel(), "any");
    }

    private static String value(String command, PositionalParamSpec operand) {
        boolean isNew = List.of("ferry guest attach").contains(command);
        return isNew ? "any" : VALUES.getOrDefault(operand.paramLabel(), "any");
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = Completions.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
