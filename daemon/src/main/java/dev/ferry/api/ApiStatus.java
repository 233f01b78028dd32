package dev.ferry.api;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.CannotMoveException;
import dev.ferry.migration.Reason;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Errors as callers of the API see them. The categories carry gRPC's names, so the table is the name. The reasons why a
 * guest cannot move travel twice: as text, and as one {@code google.rpc.ErrorInfo} each.
 */
final class ApiStatus {
    /** The {@code domain} of every ErrorInfo: who gave the reason's code its meaning. */
    static final String DOMAIN = "ferry.dev";

    static final String MESSAGE_KEY = "message";
    private static final Logger LOG = LoggerFactory.getLogger(ApiStatus.class);

    private ApiStatus() {}

    /** @param call what the caller asked for, for the log */
    static StatusRuntimeException of(String call, Throwable error) {
        if (error instanceof StatusRuntimeException status) {
            return status;
        }
        if (error instanceof CannotMoveException e) {
            return cannotMove(e);
        }
        Code code =
                error instanceof FerryException e ? Code.valueOf(e.category().name()) : Code.INTERNAL;
        if (code == Code.INTERNAL) {
            LOG.error("{} failed", call, error);
        }
        String text = error.getMessage() == null ? error.toString() : error.getMessage();
        return code.toStatus().withDescription(text).withCause(error).asRuntimeException();
    }

    private static StatusRuntimeException cannotMove(CannotMoveException e) {
        Status.Builder status = Status.newBuilder()
                .setCode(Code.valueOf(e.category().name()).value())
                .setMessage(e.getMessage());
        for (Reason reason : e.reasons()) {
            status.addDetails(Any.pack(ErrorInfo.newBuilder()
                    .setReason(reason.code())
                    .setDomain(DOMAIN)
                    .putMetadata(MESSAGE_KEY, reason.message())
                    .build()));
        }
        return StatusProto.toStatusRuntimeException(status.build());
    }

    static FerryException invalid(String text) {
        return new FerryException(ErrorCategory.INVALID_ARGUMENT, text);
    }
}
