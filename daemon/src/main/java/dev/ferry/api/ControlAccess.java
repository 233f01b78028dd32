package dev.ferry.api;

import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.Set;

/** Who may do what over the control addresses, and the record of it. A method that is not known to change nothing is taken for one that does. */
final class ControlAccess implements ServerInterceptor {
    /** That change nothing. */
    static final Set<String> READS = Set.of(
            "ferry.v1.MigrationService/Check",
            "ferry.v1.MigrationService/Get",
            "ferry.v1.MigrationService/List",
            "ferry.v1.MigrationService/Watch",
            "ferry.v1.MigrationService/GetReport",
            "ferry.v1.GuestService/List",
            "ferry.v1.GuestService/Show",
            "ferry.v1.PlacementService/GetHost",
            "ferry.v1.PlacementService/ListReservations",
            "ferry.v1.EventService/WatchEvents",
            "ferry.v1.DaemonService/GetStatus",
            "grpc.health.v1.Health/Check",
            "grpc.health.v1.Health/List",
            "grpc.health.v1.Health/Watch",
            "grpc.reflection.v1.ServerReflection/ServerReflectionInfo");

    /** For whoever has come through TLS, without a role too: it says that somebody is there. */
    private static final String HEALTH = "grpc.health.v1.Health";

    private volatile ControlRoles roles;
    private final AuditLog audit;

    ControlAccess(ControlRoles roles, AuditLog audit) {
        this.roles = roles;
        this.audit = audit;
    }

    /** From now on. */
    void roles(ControlRoles now) {
        roles = now;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        String method = call.getMethodDescriptor().getFullMethodName();
        Caller caller = call.getAttributes().get(Callers.CALLER);
        if (caller == null) {
            return refused(call, Status.UNAUTHENTICATED.withDescription("it cannot be told who calls; connect again"));
        }
        boolean changesNothing = READS.contains(method);
        ControlRoles known = roles;
        boolean isAllowed = switch (known.of(caller)) {
            case OPERATOR -> true;
            case VIEWER -> changesNothing;
            case NONE -> HEALTH.equals(call.getMethodDescriptor().getServiceName());
        };
        if (!isAllowed) {
            Status refused = Status.PERMISSION_DENIED.withDescription(
                    caller + known.why(caller) + ": nothing was done. Ask its operator");
            if (!changesNothing) {
                audit.refused(caller, method, refused);
            }
            return refused(call, refused);
        }
        if (changesNothing) {
            return next.startCall(call, headers);
        }
        return audited(call, headers, next, caller, method);
    }

    private static <Q> ServerCall.Listener<Q> refused(ServerCall<Q, ?> call, Status status) {
        call.close(status, new Metadata());
        return new ServerCall.Listener<>() {};
    }

    private <Q, A> ServerCall.Listener<Q> audited(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next, Caller caller, String method) {
        StringBuilder request = new StringBuilder();
        ServerCall<Q, A> watched = new SimpleForwardingServerCall<>(call) {
            @Override
            public void close(Status status, Metadata trailers) {
                // Before the caller knows: what was done is on record then.
                synchronized (request) {
                    audit.call(caller, method, request.toString(), status);
                }
                super.close(status, trailers);
            }
        };
        return new SimpleForwardingServerCallListener<>(next.startCall(watched, headers)) {
            @Override
            public void onMessage(Q message) {
                synchronized (request) {
                    request.append(AuditLog.cut(
                            TextFormat.printer().emittingSingleLine(true).printToString((Message) message)));
                }
                super.onMessage(message);
            }
        };
    }
}
