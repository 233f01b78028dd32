package dev.ferry.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;

/** QEMU's own migration between two QEMUs over TCP, bandwidth unlimited. The destination's QEMU is started before the clock. */
final class QemuMover implements Mover {
    private static final long UNLIMITED = 100_000_000_000L;
    private static final int MOVE_SECONDS = 120;

    /** How it is told to move. */
    enum Mode {
        PRECOPY,
        POSTCOPY,
        PREEMPT;

        private List<String> capabilities() {
            return switch (this) {
                case PRECOPY -> List.of("events");
                case POSTCOPY -> List.of("events", "postcopy-ram");
                case PREEMPT -> List.of("events", "postcopy-ram", "postcopy-preempt");
            };
        }
    }

    private final String name;
    private final String emulator;
    private final Mode mode;
    private final Lab lab;

    QemuMover(String name, String emulator, Mode mode, Lab lab) {
        this.name = name;
        this.emulator = emulator;
        this.mode = mode;
        this.lab = lab;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean isOurs() {
        return false;
    }

    @Override
    public boolean isCold() {
        return false;
    }

    @Override
    public Attempt begin(Scenario scenario) throws Exception {
        QemuAttempt attempt = lab.own(new QemuAttempt(scenario));
        attempt.start();
        return attempt;
    }

    @Override
    public void close() {}

    private final class QemuAttempt implements Attempt {
        private final Scenario scenario;
        private final Path home;
        private Machine from;
        private Machine to;

        QemuAttempt(Scenario scenario) throws IOException {
            this.scenario = scenario;
            home = lab.directory(name);
        }

        void start() throws Exception {
            from = new Machine(Link.Host.SOURCE, home.resolve("source"), List.of());
            to = new Machine(Link.Host.DESTINATION, home.resolve("destination"), List.of("-incoming", "defer"));
            from.prepare();
            to.prepare();
        }

        @Override
        public Endpoint source() {
            return from.end;
        }

        @Override
        public long sourceProcess() {
            return from.process.pid();
        }

        @Override
        public double cpuSeconds() {
            return from.cpuSeconds() + to.cpuSeconds();
        }

        @Override
        public Outcome move() throws Exception {
            Qmp source = from.end.qmp;
            String uri = "tcp:" + lab.link().address(Link.Host.DESTINATION) + ":" + freePort();
            to.end.qmp.command("migrate-incoming", Map.of("uri", uri));
            source.command("migrate", Map.of("uri", uri));
            if (mode != Mode.PRECOPY) {
                source.await(
                        "MIGRATION_PASS",
                        MOVE_SECONDS,
                        data -> data.path("pass").asInt() >= 2);
                source.command("migrate-start-postcopy");
            }
            Qmp.Event end = source.await(
                    "MIGRATION",
                    MOVE_SECONDS,
                    data -> data.path("status").asText().matches("completed|failed|cancelled|postcopy-paused"));
            JsonNode report = source.command("query-migrate");
            JsonNode ram = report.path("ram");
            long requests = ram.path("postcopy-requests").asLong();
            if (!end.data().path("status").asText().equals("completed")) {
                throw new BenchException("QEMU did not move the guest: " + report);
            }
            if (mode != Mode.PRECOPY) {
                // Or it ended in pre-copy.
                source.await(
                        "MIGRATION", 1, data -> data.path("status").asText().equals("postcopy-active"));
            }
            return new Outcome(to.end, end.atMs(), ram.path("transferred").asLong(), Double.NaN, requests, report);
        }

        @Override
        public void close() throws Exception {
            for (Machine machine : new Machine[] {from, to}) {
                if (machine != null) {
                    machine.close();
                }
            }
            Programs.removeTree(home);
        }

        /** One QEMU. */
        private final class Machine implements AutoCloseable {
            private final Path directory;
            private final Process process;
            private Endpoint end;
            private List<Long> vcpuThreads = List.of();

            Machine(Link.Host host, Path directory, List<String> more) throws IOException {
                this.directory = Files.createDirectory(directory);
                List<String> command = new ArrayList<>(
                        List.of(emulator, "-accel", "tcg", "-machine", "q35", "-smp", "" + scenario.vcpus()));
                command.addAll(List.of("-m", scenario.memoryMib() + "M", "-nodefaults", "-display", "none"));
                command.addAll(List.of("-kernel", lab.guestImage().toString(), "-append", scenario.append()));
                command.addAll(List.of("-qmp", "unix:" + directory.resolve("qmp.sock") + ",server=on,wait=off"));
                command.addAll(List.of("-serial", "file:" + directory.resolve("serial")));
                command.addAll(more);
                process = lab.start(host, command, directory.resolve("log"));
            }

            void prepare() throws Exception {
                end = Endpoint.connect(directory.resolve("qmp.sock"), directory.resolve("serial"), 20);
                List<Map<String, Object>> capabilities = mode.capabilities().stream()
                        .map(c -> Map.<String, Object>of("capability", c, "state", true))
                        .toList();
                end.qmp.command("migrate-set-capabilities", Map.of("capabilities", capabilities));
                // A downtime limit that pre-copy does not reach: otherwise it ends before it can be told to switch.
                end.qmp.command(
                        "migrate-set-parameters",
                        mode == Mode.PRECOPY
                                ? Map.of("max-bandwidth", UNLIMITED)
                                : Map.of("max-bandwidth", UNLIMITED, "downtime-limit", 1));
                vcpuThreads = StreamSupport.stream(
                                end.qmp.command("query-cpus-fast").spliterator(), false)
                        .map(cpu -> cpu.get("thread-id").asLong())
                        .toList();
            }

            double cpuSeconds() {
                double vcpus = vcpuThreads.stream()
                        .mapToDouble(thread -> ProcessCounters.threadCpuSeconds(process.pid(), thread))
                        .sum();
                return ProcessCounters.cpuSeconds(process.pid()) - vcpus;
            }

            @Override
            public void close() throws Exception {
                if (end != null) {
                    end.close();
                }
                process.destroyForcibly().waitFor();
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
