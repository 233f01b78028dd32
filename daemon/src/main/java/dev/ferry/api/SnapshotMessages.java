package dev.ferry.api;

import dev.ferry.migration.MigrationSnapshot;
import dev.ferry.migration.PhaseTime;
import dev.ferry.v1.LatencyUs;
import dev.ferry.v1.LostPagePolicy;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.Phase;
import dev.ferry.v1.Postcopy;
import dev.ferry.v1.Precopy;
import dev.ferry.v1.Side;

/** Snapshots as the API's messages. The enums carry the same names; nanoseconds become milliseconds. */
public final class SnapshotMessages {
    private static final double NS_PER_MS = 1e6;
    private static final double NS_PER_SECOND = 1e9;

    private SnapshotMessages() {}

    public static Migration of(MigrationSnapshot s) {
        Migration.Builder m = Migration.newBuilder()
                .setId(s.id())
                .setGuest(s.guest())
                .setState(MigrationState.valueOf(s.state().name()))
                .setRunsOn(Side.valueOf(s.runsOn().name()))
                .setSide(Side.valueOf(s.side().name()))
                .setPeer(s.peer())
                .setReason(s.reason())
                .setError(s.error())
                .setRequestId(s.requestId())
                .setEpoch(s.epoch())
                .setTotalMs(ms(s.totalNs()))
                .setPrecopy(precopy(s.precopy()))
                .setPostcopy(postcopy(s.postcopy()))
                .setRecoveries(s.recoveries())
                .setBytesSent(s.bytesSent())
                .setStartedUnixMs(s.startedUnixMs())
                .setMemoryTotalBytes(s.memoryTotalBytes())
                .setMemoryProcessedBytes(Math.max(0, s.memoryTotalBytes() - s.memoryRemainingBytes()))
                .setMemoryRemainingBytes(s.memoryRemainingBytes())
                .setRateBytesPerSecond(s.rateBytesPerSecond())
                .setDirtyRateBytesPerSecond(s.dirtyRateBytesPerSecond())
                .setKeepSource(s.keepSource())
                .setRefusedMessages(s.refusedMessages())
                .setLostPagePolicy(LostPagePolicy.valueOf(s.lostPages().action().name()))
                .setLostPageLimitSeconds(s.lostPages().limitNs() / NS_PER_SECOND)
                .setGuestStopped(s.guestStopped())
                .setPoisonedPages(s.poisonedPages())
                .setDamagedMessages(s.damagedMessages())
                .setStateMs(ms(s.stateNs()))
                .setNext(Outlook.of(s))
                .setStatus(NovaStatus.of(s))
                .setReservationId(s.reservation())
                .setNetworkHoldMs((int) (s.networkHoldNs() / (long) NS_PER_MS))
                .setNetworksConfirmed(s.networksConfirmed())
                .setErrorReason(s.errorReason());
        if (s.side() == dev.ferry.migration.Side.SOURCE) {
            m.setBandwidthBytesPerSecond(s.limits().bandwidthBytesPerSecond())
                    .setPostcopyBandwidthBytesPerSecond(s.limits().postcopyBandwidthBytesPerSecond());
        }
        if (s.forecast().downtimeNs() > 0) {
            m.setPredictedDowntimeMs(ms(s.forecast().downtimeNs()))
                    .setPredictedPostcopyMs(ms(s.forecast().postcopyNs()));
        }
        // The sum of what is shown, so that whoever adds the phases up finds exactly this number.
        double downtimeMs = 0;
        for (PhaseTime phase : s.downtimePhases()) {
            double phaseMs = ms(phase.durationNs());
            m.addDowntimePhases(Phase.newBuilder().setName(phase.name()).setMs(phaseMs));
            downtimeMs += phaseMs;
        }
        return m.setDowntimeMs(downtimeMs).build();
    }

    private static Precopy precopy(MigrationSnapshot.PrecopyCounts c) {
        return Precopy.newBuilder()
                .setRounds(c.rounds())
                .setPages(c.pages())
                .setZeroPages(c.zeroPages())
                .setBytes(c.bytes())
                .setMs(ms(c.ns()))
                .setStopReason(c.stopReason())
                .build();
    }

    private static Postcopy postcopy(MigrationSnapshot.PostcopyCounts c) {
        return Postcopy.newBuilder()
                .setMs(ms(c.ns()))
                .setResidualPages(c.residualPages())
                .setRemoteFaults(c.remoteFaults())
                .setLocalFaults(c.localFaults())
                .setPushedPages(c.pushedPages())
                .setZeroPages(c.zeroPages())
                .setDemandPages(c.demandPages())
                .setFaultLatencyUs(latency(c.faultLatency()))
                .build();
    }

    private static LatencyUs latency(MigrationSnapshot.LatencyUs l) {
        return LatencyUs.newBuilder()
                .setP50(l.p50())
                .setP90(l.p90())
                .setP99(l.p99())
                .setP999(l.p999())
                .setMax(l.max())
                .setCount(l.count())
                .build();
    }

    private static double ms(long ns) {
        return ns / NS_PER_MS;
    }
}
