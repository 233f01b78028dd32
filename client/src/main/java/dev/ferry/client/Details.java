package dev.ferry.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.List;

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
        for (Any detail : status.getDetailsList()) {
            try {
                add(lines, detail);
            } catch (InvalidProtocolBufferException e) {
                lines.add("(a detail that cannot be read: " + detail.getTypeUrl() + ")");
            }
        }
        return lines;
    }

    private static void add(List<String> lines, Any detail) throws InvalidProtocolBufferException {
        if (detail.is(ErrorInfo.class)) {
            ErrorInfo info = detail.unpack(ErrorInfo.class);
            String message = info.getMetadataOrDefault(MESSAGE_KEY, "");
            lines.add(message.isEmpty() ? info.getReason() : info.getReason() + ": " + message);
        } else if (detail.is(BadRequest.class)) {
            detail.unpack(BadRequest.class)
                    .getFieldViolationsList()
                    .forEach(v -> lines.add(v.getField() + ": " + v.getDescription()));
        } else if (detail.is(PreconditionFailure.class)) {
            detail.unpack(PreconditionFailure.class)
                    .getViolationsList()
                    .forEach(v -> lines.add(v.getType() + " " + v.getSubject() + ": " + v.getDescription()));
        }
    }
}
