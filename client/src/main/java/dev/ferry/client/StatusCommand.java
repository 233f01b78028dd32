package dev.ferry.client;

import dev.ferry.v1.ControlSecurity;
import dev.ferry.v1.GetStatusRequest;
import dev.ferry.v1.GetStatusResponse;
import dev.ferry.v1.PeerSecurity;
import java.time.Instant;
import picocli.CommandLine.Command;

/** {@code ferry status}. */
@Command(
        name = "status",
        description = "Says what this ferryd is, where it listens, and how its connections are secured.")
final class StatusCommand extends ClientCommand {
    @Override
    int run(Ferry ferry, Connection connection) {
        GetStatusResponse status = connection.daemon().getStatus(GetStatusRequest.getDefaultInstance());
        return print(ferry, status, () -> text(status));
    }

    static String text(GetStatusResponse s) {
        PeerSecurity security = s.getPeerSecurity();
        Fields fields = new Fields()
                .add("version", s.getFerryVersion())
                .add("host", s.getHostName())
                .add("up", Units.duration((double) s.getUptimeMs()))
                .add("control", String.join(", ", s.getControlAddressesList()))
                .add("peer", s.getPeerAddress())
                .add(
                        "moves",
                        s.getOutbound() + " of " + s.getMaxOutbound() + " outbound, " + s.getInbound() + " of "
                                + s.getMaxInbound() + " inbound")
                .add("tls", mode(security.getMode()));
        if (security.getMode() == PeerSecurity.Mode.MODE_MUTUAL) {
            fields.add(
                            "certificate",
                            String.join(", ", security.getNamesList()) + ", ends "
                                    + Instant.ofEpochMilli(security.getCertificateEndsUnixMs()))
                    .add(
                            "lets in",
                            security.getAllowedCount() == 0
                                    ? "every host with a certificate of the CA"
                                    : String.join(", ", security.getAllowedList()));
        }
        ControlSecurity control = s.getControlSecurity();
        if (control.getClientOperatorsCount() + control.getClientViewersCount() > 0) {
            fields.add("operators", String.join(", ", control.getClientOperatorsList()))
                    .add("viewers", String.join(", ", control.getClientViewersList()));
        }
        return fields.add(
                        "refused",
                        security.getRefused() + " connections and calls of peers, " + control.getRefused()
                                + " of control clients")
                .toString();
    }

    private static String mode(PeerSecurity.Mode mode) {
        return switch (mode) {
            case MODE_MUTUAL -> "mutual, 1.3";
            case MODE_OFF -> "OFF: peers are neither encrypted nor authenticated";
            case MODE_UNSPECIFIED, UNRECOGNIZED -> "not known to this ferry";
        };
    }
}
