package dev.ferry.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.List;

/** The stable codes of an error: of each {@code google.rpc.ErrorInfo} in it. */
final class Reasons {
    private Reasons() {}

    static List<String> of(Throwable error) {
        com.google.rpc.Status status = StatusProto.fromThrowable(error);
        List<String> codes = new ArrayList<>();
        if (status == null) {
            return codes;
        }
        for (Any detail : status.getDetailsList()) {
            if (detail.is(ErrorInfo.class)) {
                try {
                    codes.add(detail.unpack(ErrorInfo.class).getReason());
                } catch (InvalidProtocolBufferException e) {
                    codes.add(detail.getTypeUrl()); // of a newer kind
                }
            }
        }
        return codes;
    }
}
