package dev.ferry.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The bare-metal guest that checks itself, as a test sees it: through its serial port, its keyboard and its RAM files. */
final class VerifyingGuest {
    private static final Path ELF =
            Path.of(System.getProperty("user.dir")).getParent().resolve("target/guest/verify/verify.elf");
    private static final Pattern VERIFY = Pattern.compile("VERIFY ok=(\\d) pages=(\\d+) bad=(\\d+)");
    private static final Pattern TICK = Pattern.compile("TICK n=(\\d+) touches=(\\d+) writes=(\\d+) bad=(\\d+)");

    final String name;
    private Ferryd host;
    private Path directory;

    VerifyingGuest(String name, Ferryd host) {
        this.name = name;
        movedTo(host);
    }

    /** @param directory its own, of a ferryd that is not this test's child */
    VerifyingGuest(String name, Path directory) {
        this.name = name;
        this.directory = directory;
    }

    /** @param append the guest's own options, for example {@code rate=5000 write=20} */
    static String toml(String name, String accel, String memory, int cpus, String append, String more) {
        return """
                name = "%s"
                accel = "%s"
                smp = %d
                %s
                args = ["-nodefaults", "-display", "none", "-kernel", "%s", "-append", "%s",
                  "-chardev", "file,id=serial,path=${guest_dir}/serial,append=on", "-serial", "chardev:serial"]
                %s
                """.formatted(
                        name, accel, cpus, memory.isEmpty() ? "" : "memory = \"" + memory + "\"", ELF, append, more);
    }

    Path serialFile() {
        return directory.resolve("serial");
    }

    String serial() throws IOException {
        return Files.exists(serialFile()) ? Files.readString(serialFile()) : "";
    }

    void awaitReady() {
        Await.until(name + " is ready", () -> serial().contains("READY"));
    }

    /** It is on another host now, with a serial file of its own there. */
    void movedTo(Ferryd there) {
        host = there;
        directory = there.guestDirectory(name);
    }

    void movedTo(Path there) {
        directory = there;
    }

    /** Asks it to verify every page from inside; throws with its serial output if a byte is wrong. */
    void verify() throws Exception {
        int before = count(VERIFY);
        try (Qmp qmp = new Qmp(directory.resolve("monitor.sock"))) {
            qmp.key('v');
        }
        Await.until(name + " has verified itself", () -> count(VERIFY) > before);
        String text = serial();
        Matcher m = VERIFY.matcher(text);
        boolean ok = false;
        while (m.find()) {
            ok = m.group(1).equals("1") && m.group(3).equals("0");
        }
        if (!ok || text.contains("BAD ") || text.contains("PANIC")) {
            throw new AssertionError("the guest found wrong bytes:\n" + text);
        }
    }

    /** Stops it, checks all of its RAM from outside, and lets it go on. */
    RamChecker.Result verifyFromOutside() throws Exception {
        try (Qmp qmp = new Qmp(directory.resolve("monitor.sock"))) {
            qmp.command("stop", "{}");
            List<Path> files = host.ramFiles().stream()
                    .filter(p -> p.getFileName().toString().contains(name))
                    .toList();
            RamChecker.Result result = RamChecker.check(files);
            qmp.command("cont", "{}");
            if (!result.bad().isEmpty()) {
                throw new AssertionError("wrong from outside: " + result.bad());
            }
            return result;
        }
    }

    /** Presses its reset key and waits until it has come up again. */
    void reset() throws Exception {
        int before = count(Pattern.compile("READY"));
        try (Qmp qmp = new Qmp(directory.resolve("monitor.sock"))) {
            qmp.key('r');
        }
        Await.until(name + " comes up again", () -> count(Pattern.compile("READY")) > before);
    }

    /** Waits until it has reported again: it is alive here. */
    void awaitTick() throws IOException {
        int before = count(TICK);
        Await.until(name + " ticks", () -> count(TICK) > before);
    }

    /** Touches a second over the last whole report. */
    long touchesPerSecond() throws IOException {
        long[] last = {0, 0};
        Matcher m = TICK.matcher(serial());
        while (m.find()) {
            last[0] = last[1];
            last[1] = Long.parseLong(m.group(2));
        }
        return last[1] - last[0];
    }

    String status() throws IOException {
        try (Qmp qmp = new Qmp(directory.resolve("monitor.sock"))) {
            return qmp.status();
        }
    }

    int pid() throws IOException {
        return Integer.parseInt(Files.readString(directory.resolve("pid")).strip());
    }

    /** Descriptors of its process that should not be there: userfaultfds, and files of ours. */
    List<String> tracesInProcess() throws IOException {
        try (Stream<Path> fds = Files.list(Path.of("/proc/" + pid() + "/fd"))) {
            return fds.map(p -> {
                        try {
                            return Files.readSymbolicLink(p).toString();
                        } catch (IOException e) {
                            return "";
                        }
                    })
                    .filter(t -> t.contains("userfaultfd") || t.contains("(deleted)"))
                    .toList();
        }
    }

    private int count(Pattern pattern) throws IOException {
        return (int) pattern.matcher(serial()).results().count();
    }
}
