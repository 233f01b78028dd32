package dev.ferry.api;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.Status;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.base.TrailerText;
import dev.ferry.migration.CannotMoveException;
import dev.ferry.migration.Reason;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Errors as callers of the API see them. The categories carry gRPC's names, so the table is the name. The reasons why a
 * guest cannot move travel twice: as text, and as one {@code google.rpc.ErrorInfo} each. Text and details together are kept
 * to what trailers have room for ({@link TrailerText}); what was cut is in the log, and Check answers every reason in full.
 */
final class ApiStatus {
    /** The {@code domain} of every ErrorInfo: who gave the reason's code its meaning. */
    static final String DOMAIN = "ferry.dev";

    static final String MESSAGE_KEY = "message";

    /** The key of an ErrorInfo's metadata that names a field of the request. */
    static final String FIELD = "field";

    /** The reason of the last detail when not all of them had room. */
    static final String MORE = "MORE_REASONS";

    /** Description and details as they are encoded; of the 8 KiB the rest is for other headers. */
    private static final int LIMIT_BYTES = 5 << 10;

    /** Beside details the description is sent twice: by itself and in grpc-status-details-bin. */
    private static final int DESCRIPTION_BYTES = 1 << 10;

    private static final int REASON_BYTES = 320;
    private static final int CODE_BYTES = 64;

    private static final Logger LOG = LoggerFactory.getLogger(ApiStatus.class);

    private ApiStatus() {}

    /** @param call what the caller asked for, for the log */
    static StatusRuntimeException of(String call, Throwable error) {
        if (error instanceof StatusRuntimeException status) {
            return status;
        }
        if (error instanceof CannotMoveException e) {
            return cannotMove(call, e);
        }
        Code code =
                error instanceof FerryException e ? Code.valueOf(e.category().name()) : Code.INTERNAL;
        if (code == Code.INTERNAL) {
            LOG.error("{} failed", call, error);
        }
        String text = error.getMessage() == null ? error.toString() : error.getMessage();
        if (error instanceof FerryException e) {
            return withDetails(call, code, e, text);
        }
        return code.toStatus()
                .withDescription(cut(call, text, LIMIT_BYTES))
                .withCause(error)
                .asRuntimeException();
    }

    /** One ErrorInfo, and what the kind of error has of its own. A long text is sent without: it needs the room. */
    private static StatusRuntimeException withDetails(String call, Code code, FerryException e, String text) {
        String reason = e.reason().isEmpty() ? code.name() : e.reason();
        Status.Builder status = Status.newBuilder().setCode(code.value()).setMessage(text);
        ErrorInfo.Builder info = ErrorInfo.newBuilder().setReason(reason).setDomain(DOMAIN);
        e.details().forEach((key, value) -> info.putMetadata(key, TrailerText.cut(value, REASON_BYTES)));
        status.addDetails(Any.pack(info.build()));
        if (code == Code.FAILED_PRECONDITION) {
            String subject = e.details().getOrDefault("migration", e.details().getOrDefault("guest", ""));
            status.addDetails(Any.pack(PreconditionFailure.newBuilder()
                    .addViolations(PreconditionFailure.Violation.newBuilder()
                            .setType(reason)
                            .setSubject(subject)
                            .setDescription(TrailerText.cut(text, REASON_BYTES)))
                    .build()));
        } else if (code == Code.INVALID_ARGUMENT && e.details().containsKey(FIELD)) {
            status.addDetails(Any.pack(BadRequest.newBuilder()
                    .addFieldViolations(BadRequest.FieldViolation.newBuilder()
                            .setField(e.details().get(FIELD))
                            .setDescription(TrailerText.cut(withoutField(text), REASON_BYTES)))
                    .build()));
        }
        if (!fits(status, false)) {
            if (e.reason().isEmpty()) {
                return code.toStatus()
                        .withDescription(cut(call, text, LIMIT_BYTES))
                        .withCause(e)
                        .asRuntimeException();
            }
            status.setMessage(cut(call, text, DESCRIPTION_BYTES));
        }
        return StatusProto.toStatusRuntimeException(status.build());
    }

    private static String withoutField(String text) {
        return text.substring(text.indexOf(':') + 1).strip();
    }

    private static String cut(String call, String text, int limitBytes) {
        String fits = TrailerText.cut(text, limitBytes);
        if (!fits.equals(text)) {
            LOG.info("{}: the caller was sent the beginning of: {}", call, text);
        }
        return fits;
    }

    private static StatusRuntimeException cannotMove(String call, CannotMoveException e) {
        String text = cut(call, e.getMessage(), DESCRIPTION_BYTES);
        Status.Builder status = Status.newBuilder()
                .setCode(Code.valueOf(e.category().name()).value())
                .setMessage(text);
        List<Reason> reasons = e.reasons();
        for (int i = 0; i < reasons.size(); i++) {
            status.addDetails(detail(reasons.get(i)));
            int left = reasons.size() - i - 1;
            // The last ones give their room to the note about them.
            if (left > 0 && !fits(status.clone().addDetails(detail(reasons.get(i + 1))), left > 1)) {
                status.addDetails(detail(more(left)));
                break;
            }
        }
        return StatusProto.toStatusRuntimeException(status.build());
    }

    private static boolean fits(Status.Builder status, boolean withNote) {
        if (withNote) {
            status.addDetails(detail(more(Integer.MAX_VALUE)));
        }
        return TrailerText.encodedBytes(status.getMessage())
                        + TrailerText.base64Bytes(status.build().getSerializedSize())
                <= LIMIT_BYTES;
    }

    private static Reason more(int count) {
        return new Reason(MORE, count + " more: ferry check, the API's Check, answers all of them");
    }

    private static Any detail(Reason reason) {
        return Any.pack(ErrorInfo.newBuilder()
                .setReason(TrailerText.cut(reason.code(), CODE_BYTES))
                .setDomain(DOMAIN)
                .putMetadata(MESSAGE_KEY, TrailerText.cut(reason.message(), REASON_BYTES))
                .build());
    }

    /** @param text begins with the field's name and a colon */
    static FerryException invalid(String text) {
        int colon = text.indexOf(':');
        return new FerryException(
                ErrorCategory.INVALID_ARGUMENT,
                "",
                colon < 0 ? Map.of() : Map.of(FIELD, text.substring(0, colon)),
                text);
    }
}
