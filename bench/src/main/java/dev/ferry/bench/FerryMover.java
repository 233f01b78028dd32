package dev.ferry.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.util.JsonFormat;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/** Moves by two real ferryds, which stay for all the runs: the first move is one of a cold daemon. */
final class FerryMover implements Mover {
    private static final String GUEST_TOML = """
            name = "%1$s"
            emulator = "%2$s"
            accel = "tcg"
            smp = %3$d
            memory = "%4$dMiB"
            args = ["-nodefaults", "-display", "none", "-kernel", "%5$s", "-append", "%6$s",
              "-chardev", "file,id=serial,path=${guest_dir}/serial,append=on", "-serial", "chardev:serial"]
            """;
    private static final int ARRIVAL_SECONDS = 60;

    private final String name;
    private final String emulator;
    private final Lab lab;
    private final int rounds;
    private final Daemon source;
    private final Daemon destination;
    private int guests;

    FerryMover(String name, String emulator, Lab lab) throws Exception {
        this(name, emulator, Scenario.DEFAULT_ROUNDS, false, lab);
    }

    /**
     * Starts the daemons.
     *
     * @param rounds of pre-copy, whatever the scenario says; {@link Scenario#DEFAULT_ROUNDS}: as it says
     * @param tls between the daemons
     */
    FerryMover(String name, String emulator, int rounds, boolean tls, Lab lab) throws Exception {
        this.rounds = rounds;
        this.name = name;
        this.emulator = emulator;
        this.lab = lab;
        source = lab.own(Daemon.start(lab, lab.directory(name + "-source"), Link.Host.SOURCE, tls));
        destination = lab.own(Daemon.start(lab, lab.directory(name + "-destination"), Link.Host.DESTINATION, tls));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean isOurs() {
        return true;
    }

    @Override
    public boolean isCold() {
        return guests == 1;
    }

    @Override
    public Attempt begin(Scenario scenario) throws Exception {
        String guest = "bench" + ++guests;
        source.run(GUEST_TOML.formatted(
                guest, emulator, scenario.vcpus(), scenario.memoryMib(), lab.guestImage(), scenario.append()));
        return lab.own(new FerryAttempt(guest, scenario));
    }

    @Override
    public void close() throws Exception {
        source.close();
        destination.close();
    }

    private static Endpoint connect(Path directory, int seconds) throws Exception {
        return Endpoint.connect(directory.resolve("monitor.sock"), directory.resolve("serial"), seconds);
    }

    private final class FerryAttempt implements Attempt {
        private final String guest;
        private final Scenario scenario;
        private final Endpoint sourceEnd;
        private Endpoint destinationEnd;

        FerryAttempt(String guest, Scenario scenario) throws Exception {
            this.guest = guest;
            this.scenario = scenario;
            sourceEnd = connect(source.guestDirectory(guest), 20);
        }

        @Override
        public Endpoint source() {
            return sourceEnd;
        }

        @Override
        public long sourceProcess() {
            return source.pid();
        }

        @Override
        public double cpuSeconds() {
            return ProcessCounters.cpuSeconds(source.pid()) + ProcessCounters.cpuSeconds(destination.pid());
        }

        @Override
        public Outcome move() throws Exception {
            CompletableFuture<Endpoint> arrival = CompletableFuture.supplyAsync(() -> {
                try {
                    return connect(destination.guestDirectory(guest), ARRIVAL_SECONDS);
                } catch (Exception e) {
                    throw new CompletionException(e);
                }
            });
            Migration end = source.move(guest, destination, policy());
            double endMs = Wall.nowMs();
            if (end.getState() != MigrationState.COMPLETED) {
                throw new BenchException(
                        "ferry did not move the guest: " + end.getError() + "\n" + source.log() + destination.log());
            }
            destinationEnd = arrival.get(ARRIVAL_SECONDS, TimeUnit.SECONDS);
            JsonNode report = new ObjectMapper().readTree(JsonFormat.printer().print(end));
            return new Outcome(
                    destinationEnd,
                    endMs,
                    end.getBytesSent(),
                    end.getDowntimeMs(),
                    end.getPostcopy().getRemoteFaults(),
                    report);
        }

        /** Changing the push's limit while it runs belongs here, once the API can do it. */
        private Policy policy() {
            Policy.Builder policy =
                    Policy.newBuilder().setPostcopyBandwidthBytesPerSecond(scenario.pushBytesPerSecond());
            int most = rounds == Scenario.DEFAULT_ROUNDS ? scenario.precopyRounds() : rounds;
            if (most != Scenario.DEFAULT_ROUNDS) {
                policy.setPrecopyRounds(most);
            }
            return policy.build();
        }

        @Override
        public void close() throws Exception {
            sourceEnd.close();
            if (destinationEnd != null) {
                destinationEnd.close();
            }
            source.removeGuest(guest);
            destination.removeGuest(guest);
        }
    }
}
