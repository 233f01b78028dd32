package dev.ferry.system;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * A machine of its own in which systemd runs ferryd as systemd/ferryd.service says, with the whole sandbox; only where the program is
 * differs. It has this machine's programs. Owns the machine.
 */
final class UnitHost implements AutoCloseable {
    static final Path REPOSITORY = Path.of(System.getProperty("user.dir")).getParent();
    static final Path ELF = REPOSITORY.resolve("target/guest/verify/verify.elf");
    private static final ObjectMapper JSON = new ObjectMapper();

    final Machine machine;
    final String peer;

    private UnitHost(Machine machine, String address) {
        this.machine = machine;
        this.peer = address + ":7420";
    }

    /** Not started yet. */
    static UnitHost boot(String name, String address) throws Exception {
        Machine machine = Machine.start(
                name, Path.of("/usr"), Path.of("/etc/alternatives"), Path.of("/etc/java-17-openjdk"), REPOSITORY);
        UnitHost host = new UnitHost(machine, address);
        try {
            host.install();
            return host;
        } catch (Exception | Error e) {
            machine.close();
            throw e;
        }
    }

    private void install() throws Exception {
        machine.sh("groupadd --system ferry && useradd --system vmm");
        machine.copyIn(REPOSITORY.resolve("systemd/ferryd.service"), "/etc/systemd/system/ferryd.service");
        write("/etc/systemd/system/ferryd.service.d/program.conf", """
                [Service]
                ExecStart=
                ExecStart=%s/bin/ferryd --config /etc/ferry/ferryd.toml
                """.formatted(REPOSITORY));
        configure("INFO");
        machine.sh("systemctl daemon-reload");
    }

    /** Writes the configuration. */
    void configure(String logLevel) throws IOException {
        write("/etc/ferry/ferryd.toml", """
                name = "%s"
                [peer]
                listen = "%s"
                [tls]
                mode = "off"
                [guests]
                user = "vmm"
                [log]
                level = "%s"
                """.formatted(machine.name, peer, logLevel));
    }

    void write(String file, String text) throws IOException {
        Files.createDirectories(machine.file(file).getParent());
        Files.writeString(machine.file(file), text);
    }

    String read(String file) throws IOException {
        Path path = machine.file(file);
        return Files.exists(path) ? Files.readString(path) : "";
    }

    /** The bare-metal guest that checks itself. */
    void writeGuest(String name, String more) throws IOException {
        write("/srv/" + name + ".toml", """
                name = "%s"
                accel = "tcg"
                memory = "64MiB"
                args = ["-nodefaults", "-display", "none", "-kernel", "%s", "-append", "rate=2000 write=20 pattern=random",
                  "-serial", "file:${guest_dir}/serial"%s]
                """.formatted(name, ELF, more));
    }

    /** @return what it printed */
    String ferry(String... arguments) throws Exception {
        Machine.Result result = tryFerry(arguments);
        if (result.exit() != 0) {
            throw new AssertionError(String.join(" ", arguments) + ": " + result.text() + "\n" + log());
        }
        return result.text();
    }

    Machine.Result tryFerry(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(REPOSITORY + "/bin/ferry"));
        command.addAll(Arrays.asList(arguments));
        return machine.run(command.toArray(String[]::new));
    }

    JsonNode show(String migration) throws Exception {
        return JSON.readTree(ferry("show", migration, "-o", "json"));
    }

    /** Waits until a migration is as it should be. */
    JsonNode await(String migration, String what, Predicate<JsonNode> condition) throws Exception {
        JsonNode[] last = {null};
        try {
            Await.until(what, () -> {
                last[0] = show(migration);
                return condition.test(last[0]);
            });
        } catch (org.awaitility.core.ConditionTimeoutException e) {
            throw new AssertionError(what + ": " + last[0] + "\n" + log(), e);
        }
        return last[0];
    }

    /** One property of ferryd's unit. */
    String property(String name) throws Exception {
        return machine.sh("systemctl show ferryd --property=" + name + " --value")
                .strip();
    }

    String log() throws Exception {
        return machine.sh("journalctl --no-pager --output=cat --lines=60");
    }

    /** Units of guests that systemd knows now, ended ones too. */
    List<String> guestUnits() throws Exception {
        return machine.sh("systemctl list-units --all --plain --no-legend 'ferry-guest-*'")
                .lines()
                .map(line -> line.split(" ", 2)[0])
                .filter(unit -> !unit.isEmpty())
                .toList();
    }

    /** Of /proc/PID/status there. */
    String status(String pid, String... names) throws Exception {
        return machine.sh("cat /proc/" + pid + "/status")
                .lines()
                .filter(line -> Arrays.stream(names).anyMatch(n -> line.startsWith(n + ":")))
                .collect(Collectors.joining("\n"));
    }

    /** Presses the key that makes a guest verify every byte, and waits for what it says. */
    void verify(String qmpSocket, String serial) throws Exception {
        machine.sh("printf '%s\\n' '{\"execute\":\"qmp_capabilities\"}'"
                + " '{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\",\"data\":\"v\"}]}}'"
                + " | socat -t 2 - UNIX-CONNECT:" + qmpSocket);
        Await.until("the guest has verified itself", () -> read(serial).contains("VERIFY ok="));
    }

    @Override
    public void close() throws Exception {
        machine.close();
    }
}
