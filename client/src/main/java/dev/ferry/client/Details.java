package dev.ferry.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The {@code google.rpc.Status} details of an error, one line each. Kinds that ferry does not know are left out. */
final class Details {
    /** Under this key of an ErrorInfo ferryd puts a reason's text. */
    private static final String MESSAGE_KEY = "message";

    private Details() {}

    static List<String> of(Throwable error) {
        com.google.rpc.Status status = StatusProto.fromThrowable(error);
        List<String> lines = new ArrayList<>();
        if (status == null) {
            return lines;
        }
        Set<String> said = new HashSet<>();
        said.add(Status.fromCodeValue(status.getCode()).getCode().name()); // as a reason it says nothing more
        for (Any detail : status.getDetailsList()) {
            try {
                add(lines, said, detail);
            } catch (InvalidProtocolBufferException e) {
                lines.add("(a detail that cannot be read: " + detail.getTypeUrl() + ")");
            }
        }
        return lines;
    }

    /** @param said reasons that need no line of their own any more */
    private static void add(List<String> lines, Set<String> said, Any detail) throws InvalidProtocolBufferException {
        if (detail.is(ErrorInfo.class)) {
            ErrorInfo info = detail.unpack(ErrorInfo.class);
            String message = info.getMetadataOrDefault(MESSAGE_KEY, "");
            if (!message.isEmpty() || !said.contains(info.getReason())) {
                lines.add(message.isEmpty() ? info.getReason() : info.getReason() + ": " + message);
            }
            said.add(info.getReason());
        } else if (detail.is(BadRequest.class)) {
            detail.unpack(BadRequest.class)
                    .getFieldViolationsList()
                    .forEach(v -> lines.add(v.getField() + ": " + v.getDescription()));
        } else if (detail.is(PreconditionFailure.class)) {
            detail.unpack(PreconditionFailure.class).getViolationsList().stream()
                    .filter(v -> !said.contains(v.getType()))
                    .forEach(v -> lines.add(v.getType() + " " + v.getSubject() + ": " + v.getDescription()));
        }
    }
}
