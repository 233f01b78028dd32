package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** ferry(1) says neither less nor more than ferry does. */
class ManPageTest {
    private static final Pattern OPTION = Pattern.compile("\\\\-(\\\\-[a-z]+)+|\\\\-[a-zV]\\b");

    private static final Set<String> EVERYWHERE = Set.of("-h", "--help", "-V", "--version");

    @Test
    void shouldDescribeEveryCommandAndItsOptionsAndNoOther() throws Exception {
        String page = Files.readString(Path.of("../packaging/man/ferry.1"));
        CommandLine root = Ferry.commandLine(Terminal.system());
        List<String> problems = new ArrayList<>();
        List<String> commands = new ArrayList<>();
        compare("ferry", root, page, commands, problems);
        Matcher sections = Pattern.compile("(?m)^\\.SS (ferry[ a-z]*[a-z])").matcher(page);
        while (sections.find()) {
            if (!commands.contains(sections.group(1))) {
                problems.add("there is no command " + sections.group(1));
            }
        }
        assertThat(problems).isEmpty();
    }

    private static void compare(
            String name, CommandLine command, String page, List<String> commands, List<String> problems) {
        commands.add(name);
        String text = name.equals("ferry") ? between(page, ".SH OPTIONS\n", "\n.SH") : section(page, name);
        if (text.isEmpty()) {
            problems.add("no section .SS " + name);
        }
        Set<String> said = new java.util.HashSet<>();
        Matcher options = OPTION.matcher(marked(text));
        while (options.find()) {
            said.add(options.group().replace("\\", ""));
        }
        for (OptionSpec option : command.getCommandSpec().options()) {
            for (String word : option.names()) {
                boolean isOwn = !option.inherited() && !EVERYWHERE.contains(word);
                boolean isExpected = isOwn || name.equals("ferry");
                if (isExpected && !said.contains(word)) {
                    problems.add(name + ": " + word + " is not described");
                }
            }
        }
        Set<String> known = new java.util.HashSet<>();
        command.getCommandSpec().options().forEach(o -> known.addAll(List.of(o.names())));
        said.stream().filter(word -> !known.contains(word)).forEach(word -> problems.add(name + ": has no " + word));
        command.getSubcommands().forEach((word, below) -> compare(name + " " + word, below, page, commands, problems));
    }

    /** The headings of options, and not what is said about them. */
    private static String marked(String text) {
        StringBuilder headings = new StringBuilder();
        Matcher tags = Pattern.compile("(?m)^\\.TP\\n(.*)$").matcher(text);
        while (tags.find()) {
            headings.append(tags.group(1)).append('\n');
        }
        return headings.toString();
    }

    private static String section(String page, String name) {
        Matcher heading = Pattern.compile("(?m)^\\.SS " + Pattern.quote(name) + "(?= [^a-z]|$).*$")
                .matcher(page);
        return heading.find() ? page.substring(heading.start()).split("\n\\.S[SH]", 2)[0] + "\n" : "";
    }

    private static String between(String page, String from, String to) {
        return page.split(Pattern.quote(from), 2)[1].split(Pattern.quote(to), 2)[0];
    }
}
