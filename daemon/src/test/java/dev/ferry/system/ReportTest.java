package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.GetReportRequest;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Report;
import dev.ferry.v1.ReportEvent;
import dev.ferry.v1.ReportSample;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The record of a real move, on both sides. */
@Tag("qemu")
class ReportTest {
    @Test
    void shouldRecordAMoveOnBothSidesAndKeepItOverARestart() throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(
                    VerifyingGuest.toml("v1", "tcg", "256MiB", 2, "rate=5000 write=20 pattern=random fill=70", ""),
                    "v1");
            Migration moved = lab.move(
                    guest,
                    lab.a,
                    lab.b,
                    Policy.newBuilder()
                            .setPrecopyRounds(1)
                            .setPrecopySeconds(0.4)
                            .setPostcopyBandwidthBytesPerSecond(60 << 20)
                            .build());
            Report source = report(lab.a, moved.getId());
            Report destination = report(lab.b, moved.getId());
            assertThat(source.getMigration().getDowntimePhasesList()).isEqualTo(moved.getDowntimePhasesList());
            assertThat(states(source)).containsExactly("PREPARING", "PRECOPY", "SWITCHOVER", "POSTCOPY", "COMPLETED");
            assertThat(states(destination))
                    .containsExactly("PREPARING", "PRECOPY", "SWITCHOVER", "POSTCOPY", "COMPLETED");
            assertThat(source.getEventsList()).anyMatch(e -> e.getKind().equals("ROUND"));
            assertThat(source.getSamplesList()).hasSizeBetween(5, 512);
            for (Report r : List.of(source, destination)) {
                ReportSample last = r.getSamples(r.getSamplesCount() - 1);
                assertThat(last.getState()).isEqualTo(MigrationState.COMPLETED);
                assertThat(last.getRemainingBytes()).isZero();
                assertThat(last.getRemoteFaults()).isEqualTo(moved.getPostcopy().getRemoteFaults());
                assertThat(last.getPushedBytes()).isPositive();
                assertThat(r.getFaultLatency().getCountList().stream()
                                .mapToLong(n -> n)
                                .sum())
                        .isEqualTo(moved.getPostcopy().getFaultLatencyUs().getCount())
                        .isPositive();
                assertThat(r.getSamplesList().stream()
                                .mapToDouble(ReportSample::getFaultP99Us)
                                .max()
                                .orElse(0))
                        .isPositive();
                assertThat(r.getPageBytes()).isEqualTo(4096);
            }
            assertThat(source.getSamples(source.getSamplesCount() - 1).getPrecopyBytes())
                    .isEqualTo(moved.getPrecopy().getBytes());
            long residualBytes = moved.getPostcopy().getResidualPages() * 4096;
            ReportSample last = destination.getSamples(destination.getSamplesCount() - 1);
            assertThat(last.getPushedBytes() + last.getDemandBytes()).isEqualTo(residualBytes);
            lab.a.kill9();
            lab.a.start();
            assertThat(report(lab.a, moved.getId())).isEqualTo(source);
        }
    }

    @Test
    void shouldGoOnWithTheRecordAfterAKillInPostcopy() throws Exception {
        try (Lab lab = new Lab()) {
            VerifyingGuest guest = lab.runOnA(
                    VerifyingGuest.toml("v1", "tcg", "256MiB", 2, "rate=5000 write=20 pattern=random fill=70", ""),
                    "v1");
            Policy slow = Policy.newBuilder()
                    .setPrecopyRounds(0)
                    .setPostcopyBandwidthBytesPerSecond(20 << 20)
                    .build();
            String id = lab.a.start(guest.name, lab.b, slow).getId();
            lab.a.awaitState(id, MigrationState.POSTCOPY);
            Path file = lab.b.home.resolve("state/reports/" + id + ".report");
            Await.until(
                    "a record of post-copy is written",
                    () -> Files.exists(file)
                            && Report.parseFrom(Files.readAllBytes(file))
                                            .getMigration()
                                            .getState()
                                    == MigrationState.POSTCOPY);
            Report before = report(lab.b, id);
            lab.b.kill9();
            lab.b.start();
            lab.a.limitPush(id, 0);
            Migration end = lab.a.follow(id);
            assertThat(end.getState()).as(end.getError()).isEqualTo(MigrationState.COMPLETED);
            guest.movedTo(lab.b);
            Report after = report(lab.b, id);
            assertThat(states(after))
                    .startsWith("PREPARING")
                    .containsSubsequence("SWITCHOVER", "POSTCOPY", "RECOVERING", "POSTCOPY", "COMPLETED");
            assertThat(after.getEvents(0)).isEqualTo(before.getEvents(0));
            double lastMs = 0;
            long lastBytes = 0;
            for (ReportSample s : after.getSamplesList()) {
                assertThat(s.getAtMs()).isGreaterThanOrEqualTo(lastMs);
                assertThat(s.getPushedBytes()).isGreaterThanOrEqualTo(lastBytes);
                lastMs = s.getAtMs();
                lastBytes = s.getPushedBytes();
            }
            Report source = report(lab.a, id);
            assertThat(source.getEventsList()).anyMatch(e -> e.getKind().equals("RECOVERY"));
            assertThat(source.getEventsList()).anyMatch(e -> e.getKind().equals("LIMITS"));
        }
    }

    private static Report report(Ferryd host, String id) {
        return host.migrations()
                .getReport(GetReportRequest.newBuilder().setId(id).build());
    }

    private static List<String> states(Report report) {
        return report.getEventsList().stream()
                .filter(e -> e.getKind().equals("STATE"))
                .map(ReportEvent::getState)
                .map(Enum::name)
                .toList();
    }
}
