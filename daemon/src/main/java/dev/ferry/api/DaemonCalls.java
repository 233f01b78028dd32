package dev.ferry.api;

import dev.ferry.v1.ControlSecurity;
import dev.ferry.v1.DaemonServiceGrpc;
import dev.ferry.v1.GetStatusRequest;
import dev.ferry.v1.GetStatusResponse;
import dev.ferry.v1.PeerSecurity;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** The calls of DaemonService. */
final class DaemonCalls extends DaemonServiceGrpc.DaemonServiceImplBase {
    private final Supplier<DaemonStatus> status;
    private final Supplier<List<String>> controlAddresses;
    private final Supplier<ControlSecurity> controlSecurity;

    DaemonCalls(
            Supplier<DaemonStatus> status,
            Supplier<List<String>> controlAddresses,
            Supplier<ControlSecurity> controlSecurity) {
        this.status = status;
        this.controlAddresses = controlAddresses;
        this.controlSecurity = controlSecurity;
    }

    @Override
    public void getStatus(GetStatusRequest request, StreamObserver<GetStatusResponse> observer) {
        Calls.answer("Get status", observer, () -> of(status.get()));
    }

    private GetStatusResponse of(DaemonStatus s) {
        PeerSecurity.Builder security = PeerSecurity.newBuilder().setRefused(s.refused());
        s.tls()
                .ifPresentOrElse(
                        tls -> security.setMode(PeerSecurity.Mode.MODE_MUTUAL)
                                .addAllNames(tls.names())
                                .setCertificateEndsUnixMs(tls.endsUnixMs())
                                .addAllAllowed(tls.allowed()),
                        () -> security.setMode(PeerSecurity.Mode.MODE_OFF));
        return GetStatusResponse.newBuilder()
                .setFerryVersion(s.version())
                .setHostName(s.hostName())
                .setPeerAddress(s.peerAddress())
                .addAllControlAddresses(controlAddresses.get())
                .setPeerSecurity(security)
                .setControlSecurity(controlSecurity.get())
                .setMaxOutbound(s.moveLimits().outbound())
                .setMaxInbound(s.moveLimits().inbound())
                .setOutbound(s.moving().outbound())
                .setInbound(s.moving().inbound())
                .setUptimeMs(TimeUnit.NANOSECONDS.toMillis(s.uptimeNs()))
                .build();
    }
}
