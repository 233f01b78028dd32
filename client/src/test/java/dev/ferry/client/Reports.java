package dev.ferry.client;

import com.google.protobuf.util.JsonFormat;
import dev.ferry.v1.LatencyUs;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Postcopy;
import dev.ferry.v1.Report;
import dev.ferry.v1.ReportEvent;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Records of moves. */
final class Reports {
    /** What an attacker would call his guest. */
    static final String HOSTILE = "</title><script>alert(1)</script><img src=x onerror=\"alert(2)\">'&\u202egnp.exe";

    private Reports() {}

    /** As two daemons have recorded one real move, which the tests of the daemon do over and over. */
    static Report source() {
        return read("report-source.json");
    }

    static Report destination() {
        return read("report-destination.json");
    }

    private static Report read(String name) {
        try (InputStream in = Reports.class.getResourceAsStream(name)) {
            Report.Builder report = Report.newBuilder();
            JsonFormat.parser().merge(new String(in.readAllBytes(), StandardCharsets.UTF_8), report);
            return report.build();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Everything that strangers choose is chosen badly, and it is all very long. */
    static Report hostile() {
        Report.Builder report = source().toBuilder();
        Migration.Builder m = report.getMigrationBuilder()
                .setState(MigrationState.RECOVERING)
                .setGuest(HOSTILE)
                .setPeer(HOSTILE + "x".repeat(300))
                .setReason("the peer said: " + HOSTILE + "y".repeat(300))
                .setNext("goes on by itself" + HOSTILE)
                .setRecoveries(3)
                .setPostcopy(Postcopy.newBuilder()
                        .setMs(1e12)
                        .setResidualPages(Long.MAX_VALUE)
                        .setLocalFaults(Long.MAX_VALUE)
                        .setFaultLatencyUs(
                                LatencyUs.newBuilder().setCount(Long.MAX_VALUE).setP99(1e15)));
        m.getDowntimePhasesBuilder(0).setName(HOSTILE + "z".repeat(100));
        report.addEvents(ReportEvent.newBuilder()
                .setAtMs(6000)
                .setKind("x\" onclick=\"alert(3)")
                .setText(HOSTILE)
                .setTimes(17));
        return report.setRecordedBy(HOSTILE).setDroppedEvents(5).build();
    }

    /** A migration that has just begun: nothing is known of it. */
    static Report empty() {
        return Report.newBuilder().setMigration(Samples.precopy()).build();
    }
}
