package dev.ferry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.GetReportRequest;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Policy;
import dev.ferry.v1.Report;
import dev.ferry.v1.ReportEvent;
import dev.ferry.v1.ReportSample;
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
