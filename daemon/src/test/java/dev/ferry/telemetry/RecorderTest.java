package dev.ferry.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.migration.MigrationEvent;
import dev.ferry.migration.MigrationProbe;
import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.MigrationState;
import dev.ferry.migration.ProbeSamples;
import dev.ferry.postcopy.ArrivalCounters;
import dev.ferry.postcopy.FaultLatency;
import dev.ferry.postcopy.LatencyBuckets;
import dev.ferry.v1.Migration;
import dev.ferry.v1.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecorderTest {
    private static final String ID = "00000000000000a1";

    @TempDir
    Path directory;

    private final List<MigrationProbe> probes = new ArrayList<>();
    private long nowNs = 1_000_000_000L;

    private Recorder recorder() {
        return new Recorder(
                () -> List.copyOf(probes),
                s -> Migration.newBuilder()
                        .setId(s.id())
                        .setState(dev.ferry.v1.MigrationState.valueOf(s.state().name()))
                        .build(),
                "here",
                "1.2",
                directory.resolve("reports"),
                () -> nowNs);
    }

    private final class Arriving implements MigrationProbe {
        final String id;
        final ArrivalCounters counters = new ArrivalCounters();
        final FaultLatency latency = new FaultLatency();
        MigrationState state = MigrationState.POSTCOPY;

        Arriving(String id) {
            this.id = id;
        }

        @Override
        public String id() {
            return id;
        }

        @Override
        public MigrationSnapshot snapshot() {
            return ProbeSamples.snapshot(id, state);
        }

        @Override
        public long startNs() {
            return 0;
        }

        @Override
        public long countedNs() {
            return nowNs;
        }

        @Override
        public List<MigrationEvent> events() {
            return List.of(new MigrationEvent(7_000_000, MigrationEvent.Kind.STATE, state, "why", 1));
        }

        @Override
        public int droppedEvents() {
            return 0;
        }

        @Override
        public long pageBytes() {
            return 4096;
        }

        @Override
        public Optional<Counting> counting() {
            return state.hasEnded() ? Optional.empty() : Optional.of(new Counting(counters, latency));
        }

        @Override
        public LatencyBuckets faultLatency() {
            return latency.buckets();
        }
    }

    @Test
    void shouldRecordRatesFaultsAndTheLatencyOfEachIntervalFromOutside() {
        Arriving guest = new Arriving(ID);
        probes.add(guest);
        try (Recorder recorder = recorder()) {
            recorder.look();
            guest.counters.remoteFaults.add(3);
            guest.counters.demandPages.add(2);
            guest.counters.pushedPages.add(10);
            guest.latency.record(100_000);
            guest.latency.record(100_000);
            nowNs += 100_000_000;
            recorder.look();
            guest.latency.record(5_000_000);
            nowNs += 100_000_000;
            Report report = recorder.report(ID).orElseThrow();
            assertThat(report.getSamplesCount()).isEqualTo(3);
            assertThat(report.getSamples(1).getPushedBytes()).isEqualTo(10 * 4096);
            assertThat(report.getSamples(1).getDemandBytes()).isEqualTo(2 * 4096);
            assertThat(report.getSamples(1).getOutstandingFaults()).isEqualTo(1);
            assertThat(report.getSamples(1).getFaultP99Us()).isBetween(99.0, 101.0);
            assertThat(report.getSamples(2).getFaultP50Us())
                    .as("only what is new")
                    .isBetween(4950.0, 5050.0);
            assertThat(report.getSamples(1).getAtMs()).isEqualTo(1100);
            assertThat(report.getSamples(1).getRemainingBytes())
                    .as("residual less what came")
                    .isEqualTo((1000 - 12) * 4096L);
            assertThat(report.getFaultLatency().getCountList()).containsExactly(2L, 1L);
            assertThat(report.getEvents(0).getAtMs()).isEqualTo(7);
            assertThat(report.getRecordedBy()).isEqualTo("here");
        }
    }

    @Test
    void shouldKeepWhatHasEndedOverARestart() throws IOException {
        Arriving guest = new Arriving(ID);
        probes.add(guest);
        Report before;
        try (Recorder recorder = recorder()) {
            recorder.look();
            guest.latency.record(100_000);
            nowNs += 100_000_000;
            guest.state = MigrationState.COMPLETED;
            recorder.look();
            before = recorder.report(ID).orElseThrow();
            nowNs += 3_600_000_000_000L;
            recorder.look();
            assertThat(recorder.report(ID)).contains(before);
        }
        assertThat(before.getFaultLatency().getCountList()).containsExactly(1L);
        probes.clear();
        try (Recorder next = recorder()) {
            assertThat(next.report(ID)).contains(before);
            assertThat(next.report("00000000000000a2")).isEmpty();
            assertThat(next.report("../" + ID)).isEmpty();
        }
        Path file = directory.resolve("reports").resolve(ID + ".report");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        Files.write(file, new byte[] {1, 2, 3});
        try (Recorder next = recorder()) {
            assertThat(next.report(ID)).as("damaged").isEmpty();
        }
    }

    @Test
    void shouldGoOnWithTheRecordOfADaemonThatWasRestarted() {
        Arriving guest = new Arriving(ID);
        guest.counters.pushedPages.add(100);
        probes.add(guest);
        try (Recorder recorder = recorder()) {
            recorder.look();
        }
        Arriving recovered = new Arriving(ID);
        recovered.counters.pushedPages.add(1);
        probes.set(0, recovered);
        nowNs += 1_000_000_000L;
        try (Recorder next = recorder()) {
            Report report = next.report(ID).orElseThrow();
            assertThat(report.getSamplesCount()).isEqualTo(2);
            assertThat(report.getSamples(1).getPushedBytes()).isEqualTo(101 * 4096);
            assertThat(report.getEventsCount()).isEqualTo(2);
        }
    }

    @Test
    void shouldKeepABoundedNumber() throws IOException {
        try (Recorder recorder = recorder()) {
            for (int i = 0; i < Recorder.KEPT + 20; i++) {
                Arriving guest = new Arriving("%016x".formatted(i + 1));
                guest.state = MigrationState.FAILED;
                probes.add(guest);
                recorder.look();
                nowNs += 100_000_000;
            }
        }
        try (Stream<Path> files = Files.list(directory.resolve("reports"))) {
            assertThat(files).hasSize(Recorder.KEPT);
        }
    }
}
