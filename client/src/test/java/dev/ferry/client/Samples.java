package dev.ferry.client;

import dev.ferry.v1.Block;
import dev.ferry.v1.ControlSecurity;
import dev.ferry.v1.GetStatusResponse;
import dev.ferry.v1.Guest;
import dev.ferry.v1.GuestStatus;
import dev.ferry.v1.LatencyUs;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationState;
import dev.ferry.v1.PeerSecurity;
import dev.ferry.v1.Phase;
import dev.ferry.v1.Postcopy;
import dev.ferry.v1.Precopy;
import dev.ferry.v1.Side;

/** What a ferryd would say. */
final class Samples {
    static final String ID = "4f2a9c0e1b7d3355";

    private Samples() {}

    static Migration precopy() {
        return Migration.newBuilder()
                .setId(ID)
                .setGuest("web1")
                .setState(MigrationState.PRECOPY)
                .setRunsOn(Side.SOURCE)
                .setSide(Side.SOURCE)
                .setPeer("10.0.0.2:7420")
                .setReason("round 1")
                .setEpoch(1)
                .setTotalMs(1234.5)
                .setPrecopy(Precopy.newBuilder().setRounds(1).setPages(100).setBytes(409_600))
                .setPostcopy(Postcopy.getDefaultInstance())
                .setBytesSent(1_288_490_189L)
                .setMemoryTotalBytes(4L << 30)
                .setMemoryRemainingBytes(3_006_477_107L)
                .setRateBytesPerSecond(870_318_080)
                .setDirtyRateBytesPerSecond(12_582_912)
                .build();
    }

    static Migration postcopy() {
        return precopy().toBuilder()
                .setState(MigrationState.POSTCOPY)
                .setRunsOn(Side.DESTINATION)
                .setPostcopy(Postcopy.newBuilder()
                        .setRemoteFaults(95)
                        .setLocalFaults(1200)
                        .setFaultLatencyUs(
                                LatencyUs.newBuilder().setCount(95).setP50(110).setP99(2130)))
                .build();
    }

    static Migration completed() {
        return postcopy().toBuilder()
                .setState(MigrationState.COMPLETED)
                .setReason("every page has arrived")
                .setTotalMs(2410)
                .setMemoryRemainingBytes(0)
                .setDowntimeMs(12.4015)
                .addDowntimePhases(phase("stop", 1.1004))
                .addDowntimePhases(phase("dirty sync", 3.0004))
                .addDowntimePhases(phase("device state", 5.2004))
                .addDowntimePhases(phase("load", 3.1003))
                .setPrecopy(Precopy.newBuilder()
                        .setRounds(2)
                        .setPages(260_044)
                        .setZeroPages(1500)
                        .setBytes(1_073_741_824)
                        .setMs(1310)
                        .setStopReason("another round would not pay"))
                .setPostcopy(Postcopy.newBuilder()
                        .setMs(820)
                        .setResidualPages(2100)
                        .setRemoteFaults(95)
                        .setLocalFaults(1200)
                        .setPushedPages(2000)
                        .setDemandPages(95)
                        .setZeroPages(5)
                        .setFaultLatencyUs(LatencyUs.newBuilder()
                                .setCount(95)
                                .setP50(110)
                                .setP90(240)
                                .setP99(900)
                                .setP999(2100)
                                .setMax(2130)))
                .build();
    }

    static Migration failed() {
        return precopy().toBuilder()
                .setState(MigrationState.FAILED)
                .setReason("destination lost")
                .setError("connection to 10.0.0.2:7420 lost during pre-copy (UNAVAILABLE); start it again")
                .build();
    }

    static Migration cancelled() {
        return precopy().toBuilder()
                .setState(MigrationState.CANCELLED)
                .setReason("cancelled by request")
                .build();
    }

    static GetStatusResponse status() {
        return GetStatusResponse.newBuilder()
                .setFerryVersion("1.2")
                .setHostName("host-a")
                .setPeerAddress("10.0.0.1:7755")
                .addControlAddresses("unix:/run/ferry/control.sock")
                .setPeerSecurity(PeerSecurity.newBuilder()
                        .setMode(PeerSecurity.Mode.MODE_MUTUAL)
                        .addNames("host-a")
                        .setCertificateEndsUnixMs(86_400_000)
                        .addAllowed("host-b")
                        .setRefused(3))
                .setControlSecurity(ControlSecurity.newBuilder()
                        .addClientOperators("scheduler.example")
                        .addClientViewers("grafana.example")
                        .addClientViewers("dashboard.example")
                        .setRefused(4))
                .setUptimeMs(5_000)
                .setMaxOutbound(3)
                .setMaxInbound(8)
                .setOutbound(1)
                .build();
    }

    static Guest guest() {
        return Guest.newBuilder()
                .setName("web1")
                .setStatus(GuestStatus.RUNNING)
                .setPid(4711)
                .setQmpSocket("/run/ferry/guests/web1/qmp")
                .setQemuVersion("7.2.22")
                .setMachine("pc-q35-7.2")
                .setMemoryBytes(1L << 30)
                .addBlocks(Block.newBuilder()
                        .setName("pc.ram")
                        .setLengthBytes(1L << 30)
                        .setPageSizeBytes(4096)
                        .setBacking("private")
                        .setGuestRam(true))
                .addBlocks(Block.newBuilder()
                        .setName("pc.bios")
                        .setLengthBytes(262_144)
                        .setPageSizeBytes(4096)
                        .setBacking("private"))
                .build();
    }

    private static Phase phase(String name, double ms) {
        return Phase.newBuilder().setName(name).setMs(ms).build();
    }
}
