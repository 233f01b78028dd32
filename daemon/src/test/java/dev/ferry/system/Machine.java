package dev.ferry.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A bare Debian machine: a container that boots systemd, with a disk, a process table, control groups and a network of its own.
 * Its disk is that of {@code bin/lib/install.sh bare-machine} with a file system in memory over it, so a machine costs two seconds
 * and is new each time. It runs this machine's kernel and has /dev/kvm and /dev/userfaultfd. What apt(8) may install there lies in
 * its cache; the only network is the one that {@link #join} makes.
 *
 * <p>Owns the container; closing it ends every process there and leaves no mount, namespace, device or control group.
 */
final class Machine implements AutoCloseable {
    private static final Path SCRIPT =
            Path.of(System.getProperty("user.dir")).getParent().resolve("bin/lib/machine.sh");
    private static final List<Path> CONTROL_GROUPS =
            List.of(Path.of("/sys/fs/cgroup/systemd"), Path.of("/sys/fs/cgroup/unified"), Path.of("/sys/fs/cgroup"));
    private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    final String name;
    private final Path directory;
    private final Process container;
    private long init;

    /** @param text what it wrote, to either stream */
    record Result(int exit, String text) {}

    private Machine(String name, Path directory, Process container) {
        this.name = name;
        this.directory = directory;
        this.container = container;
    }

    /**
     * Boots it, until every service has been started.
     *
     * @param readOnly files and directories of this machine that are seen there, at the same path
     */
    static Machine start(String name, Path... readOnly) throws Exception {
        Path directory = Files.createTempDirectory(Path.of("/dev/shm"), "ferry-test-machine-");
        Files.createDirectory(directory.resolve("disk"));
        List<String> command = new ArrayList<>(List.of(
                "unshare",
                "--mount",
                "--propagation",
                "private",
                SCRIPT.toString(),
                name,
                directory.resolve("disk").toString()));
        Arrays.stream(readOnly).map(p -> "--bind-ro=" + p).forEach(command::add);
        Process container = new ProcessBuilder(command)
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("console").toFile())
                .start();
        Machine machine = new Machine(name, directory, container);
        try {
            machine.awaitBoot();
            return machine;
        } catch (Exception | Error e) {
            machine.close();
            throw e;
        }
    }

    private void awaitBoot() throws IOException {
        Await.until("machine " + name + " has a first process", () -> {
            if (!container.isAlive()) {
                throw new IllegalStateException("machine " + name + " ended: " + console());
            }
            Optional<Long> found = container
                    .descendants()
                    .map(ProcessHandle::pid)
                    .filter(Machine::isInit)
                    .findFirst();
            found.ifPresent(pid -> init = pid);
            return found.isPresent();
        });
        String[] state = {""};
        try {
            Await.until("machine " + name + " is up", () -> {
                state[0] =
                        run("systemctl", "is-system-running", "--wait").text().strip();
                return state[0].equals("running");
            });
        } catch (RuntimeException e) {
            throw new IOException("machine " + name + " is " + state[0] + ": " + console(), e);
        }
    }

    /** Whether this is the first process of a process namespace, and systemd already. */
    private static boolean isInit(long pid) {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/comm")).equals("systemd\n")
                    && Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                            .anyMatch(l -> l.startsWith("NSpid:") && l.endsWith("\t1"));
        } catch (IOException e) {
            // It ended meanwhile.
            return false;
        }
    }

    /** What its console has said. */
    String console() throws IOException {
        return Files.readString(directory.resolve("console"));
    }

    /** Runs a command there, as root and with nothing in its environment but a path, and waits for its end, at most ten minutes. */
    Result run(String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile(directory, "output", "");
        try {
            Process process = new ProcessBuilder(inside(command))
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            // Not until its output has ended: what it leaves running may hold that open.
            if (!process.waitFor(10, TimeUnit.MINUTES)) {
                process.destroyForcibly().waitFor();
                throw new IOException(
                        String.join(" ", command) + " on " + name + " does not end: " + Files.readString(output));
            }
            return new Result(process.exitValue(), Files.readString(output));
        } finally {
            Files.delete(output);
        }
    }

    /** The command that runs this one there, for a process that the caller starts and ends itself. */
    List<String> inside(String... command) {
        List<String> all = new ArrayList<>(List.of("nsenter", "--target", Long.toString(init), "--all"));
        all.addAll(List.of("env", "-i", "PATH=" + PATH, "HOME=/root", "LANG=C.UTF-8"));
        all.addAll(List.of(command));
        return all;
    }

    /** Runs a shell script that has to succeed, and returns what it wrote. */
    String sh(String script) throws IOException, InterruptedException {
        Result result = run("bash", "-ec", script);
        if (result.exit() != 0) {
            throw new AssertionError(script + "\non " + name + " ended with " + result.exit() + ": " + result.text());
        }
        return result.text();
    }

    /** Where a file of it is seen from here: to be read and written, while it runs. A link there leads to files of this machine. */
    Path file(String absolute) {
        return Path.of("/proc/" + init + "/root" + absolute);
    }

    void copyIn(Path from, String to) throws IOException {
        Files.createDirectories(file(to).getParent());
        Files.copy(from, file(to), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
    }

    /** Connects two machines by a cable: the first is 10.77.0.1, the other 10.77.0.2, and each knows the other's name. */
    static void join(Machine a, Machine b) throws IOException, InterruptedException {
        Process link = new ProcessBuilder(
                        ("ip link add name eth0 netns " + a.init + " type veth peer name eth0 netns " + b.init)
                                .split(" "))
                .redirectErrorStream(true)
                .start();
        String said = new String(link.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (link.waitFor() != 0) {
            throw new IOException("no cable between " + a.name + " and " + b.name + ": " + said);
        }
        String hosts = "127.0.0.1 localhost\n10.77.0.1 " + a.name + "\n10.77.0.2 " + b.name + "\n";
        for (Machine machine : List.of(a, b)) {
            Files.writeString(machine.file("/etc/hosts"), hosts);
            machine.sh("ip addr add 10.77.0." + (machine == a ? 1 : 2) + "/24 dev eth0 && ip link set eth0 up");
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        // The first process takes every other one with it, and their namespaces.
        ProcessHandle.of(init).filter(p -> init != 0).ifPresent(ProcessHandle::destroyForcibly);
        if (init == 0 || !container.waitFor(20, TimeUnit.SECONDS)) {
            container.descendants().forEach(ProcessHandle::destroyForcibly);
            container.destroyForcibly().waitFor();
        }
        init = 0;
        for (Path groups : CONTROL_GROUPS) {
            removeTree(groups.resolve("ferry-test-machine-" + container.pid()), Files::isDirectory);
        }
        removeTree(directory, p -> true);
    }

    private static void removeTree(Path root, java.util.function.Predicate<Path> which) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        try (Stream<Path> all = Files.walk(root)) {
            for (Path path : all.filter(which).sorted(Comparator.reverseOrder()).toList()) {
                // A control group is busy until its last process has been waited for.
                Await.until(path + " is removed", () -> path.toFile().delete() || !Files.exists(path));
            }
        }
    }
}
