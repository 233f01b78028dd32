package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Migration;
import dev.ferry.v1.Phase;
import dev.ferry.v1.Side;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What people read, word for word. */
class RenderingTest {
    @Test
    void shouldSummariseACompletedMigration() {
        assertThat(Summary.of(Samples.completed())).isEqualTo("""
                        migration      4f2a9c0e1b7d3355
                        guest          web1
                        state          COMPLETED: every page has arrived
                        runs on        the destination, 10.0.0.2:7420
                        downtime           12.401 ms
                          stop              1.100 ms
                          dirty sync        3.001 ms
                          device state      5.200 ms
                          load              3.100 ms
                        pre-copy       2 rounds, 1.0 GiB in 1.31 s; ended: another round would not pay
                        post-copy      2100 residual pages in 820.000 ms
                        pages          260044 pre-copy (and 1500 zero), 2000 pushed, 95 on demand, 5 zero on the spot
                        faults         95 remote, 1200 local
                        fault latency  p50 110 µs, p90 240 µs, p99 900 µs, p99.9 2.1 ms, max 2.1 ms
                        sent           1.2 GiB
                        total          2.41 s
                        """);
    }

    @Test
    void shouldSummariseAFailedMigration() {
        assertThat(Summary.of(Samples.failed())).isEqualTo("""
                        migration      4f2a9c0e1b7d3355
                        guest          web1
                        state          FAILED: destination lost
                        runs on        the source, this host
                        error          connection to 10.0.0.2:7420 lost during pre-copy (UNAVAILABLE); start it again
                        pre-copy       1 round, 400.0 KiB in 0.000 ms
                        pages          100 pre-copy (and 0 zero), 0 pushed, 0 on demand, 0 zero on the spot
                        sent           1.2 GiB
                        total          1.23 s
                        """);
    }

    @Test
    void shouldShowDowntimeThatNoPhaseClaims() {
        Migration m = Migration.newBuilder()
                .setDowntimeMs(5)
                .addDowntimePhases(Phase.newBuilder().setName("stop").setMs(2))
                .build();
        assertThat(Summary.of(m)).contains("  stop              2.000 ms\n  (no phase)        3.000 ms\n");
    }

    @Test
    void shouldListMigrations() {
        assertThat(MigrationTable.of(List.of(Samples.precopy(), Samples.completed())))
                .isEqualTo("""
                        ID                GUEST  STATE      RUNS ON      PEER           REMAINING  DOWNTIME   TOTAL
                        4f2a9c0e1b7d3355  web1   PRECOPY    SOURCE       10.0.0.2:7420  2.8 GiB    -          1.23 s
                        4f2a9c0e1b7d3355  web1   COMPLETED  DESTINATION  10.0.0.2:7420  -          12.402 ms  2.41 s
                        """);
    }

    @Test
    void shouldShowGuests() {
        assertThat(GuestText.table(List.of(Samples.guest()))).isEqualTo("""
                        NAME  STATUS   PID   MEMORY   MACHINE     QEMU    MIGRATION
                        web1  RUNNING  4711  1.0 GiB  pc-q35-7.2  7.2.22  -
                        """);
        assertThat(GuestText.detail(Samples.guest())).isEqualTo("""
                        guest          web1
                        status         RUNNING
                        QEMU           7.2.22, pid 4711, started by ferryd
                        machine        pc-q35-7.2
                        QMP socket     /run/ferry/guests/web1/qmp
                        memory         1.0 GiB
                        migration      none

                        RAM BLOCK  LENGTH     PAGE     BACKING  KIND
                        pc.ram     1.0 GiB    4.0 KiB  private  guest RAM
                        pc.bios    256.0 KiB  4.0 KiB  private  device
                        """);
    }

    @Test
    void shouldShowProgressInOneLine() {
        assertThat(ProgressLine.of(Samples.precopy()))
                .isEqualTo("   1.2s  PRECOPY     sent 1.2 GiB  rate 830.0 MiB/s  dirty 12.0 MiB/s  remaining 2.8 GiB");
        assertThat(ProgressLine.of(Samples.postcopy()))
                .isEqualTo("   1.2s  POSTCOPY    sent 1.2 GiB  rate 830.0 MiB/s  dirty 12.0 MiB/s  remaining 2.8 GiB"
                        + "  faults 95 remote 1200 local  p50 110 µs  p99 2.1 ms");
    }

    @Test
    void shouldSayWhereTheGuestIsSeenFromBothSides() {
        Migration seenAtSource = Samples.failed();
        assertThat(Whereabouts.ofUndone(seenAtSource))
                .isEqualTo("migration 4f2a9c0e1b7d3355 of guest web1 failed: connection to 10.0.0.2:7420 lost during"
                        + " pre-copy (UNAVAILABLE); start it again. The guest is on the source, this host.");
        Migration.Builder seenAtDestination = seenAtSource.toBuilder().setSide(Side.DESTINATION);
        assertThat(Whereabouts.of(seenAtDestination.build())).isEqualTo("the source, 10.0.0.2:7420");
        assertThat(Whereabouts.of(seenAtDestination.setRunsOn(Side.DESTINATION).build()))
                .isEqualTo("the destination, this host");
    }
}
