package dev.ferry.wire;

import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.TrailerText;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** Our errors as gRPC statuses and back. The categories carry gRPC's names, so the table is the name. */
final class PeerStatus {
    /** Of the 8 KiB that trailers have. */
    private static final int LIMIT_BYTES = 5 << 10;

    private PeerStatus() {}

    static StatusRuntimeException of(Throwable error) {
        if (error instanceof StatusRuntimeException status) {
            return status;
        }
        Status.Code code = Status.Code.INTERNAL;
        if (error instanceof FerryException e) {
            code = Status.Code.valueOf(e.category().name());
        } else if (error instanceof IllegalArgumentException) {
            code = Status.Code.INVALID_ARGUMENT;
        }
        String text = error.getMessage() == null ? error.toString() : error.getMessage();
        return code.toStatus()
                .withDescription(TrailerText.cut(text, LIMIT_BYTES))
                .withCause(error)
                .asRuntimeException();
    }

    /** @param doing what was tried, of whom */
    static FerryException toFerry(String doing, Throwable error) {
        if (error instanceof FerryException e) {
            return e;
        }
        Status status = Status.fromThrowable(error);
        ErrorCategory category = switch (status.getCode()) {
            case INVALID_ARGUMENT, OUT_OF_RANGE -> ErrorCategory.INVALID_ARGUMENT;
            case NOT_FOUND -> ErrorCategory.NOT_FOUND;
            case ALREADY_EXISTS -> ErrorCategory.ALREADY_EXISTS;
            case FAILED_PRECONDITION -> ErrorCategory.FAILED_PRECONDITION;
            case RESOURCE_EXHAUSTED -> ErrorCategory.RESOURCE_EXHAUSTED;
            case PERMISSION_DENIED, UNAUTHENTICATED -> ErrorCategory.PERMISSION_DENIED;
            case DEADLINE_EXCEEDED -> ErrorCategory.DEADLINE_EXCEEDED;
            case ABORTED -> ErrorCategory.ABORTED;
            case UNIMPLEMENTED -> ErrorCategory.UNIMPLEMENTED;
            case UNAVAILABLE, CANCELLED -> ErrorCategory.UNAVAILABLE;
            case INTERNAL, UNKNOWN, DATA_LOSS, OK -> ErrorCategory.INTERNAL;
        };
        String said = status.getDescription() == null ? status.getCode().name() : status.getDescription();
        String text = ConnectionError.text(status).orElse(said);
        return new FerryException(category, doing + ": " + text, error);
    }
}
