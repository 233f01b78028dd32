package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.CannotMoveException;
import dev.ferry.migration.Reason;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ApiStatusTest {
    @ParameterizedTest
    @EnumSource
    void shouldAnswerEveryCategoryByItsName(ErrorCategory category) {
        StatusRuntimeException e = ApiStatus.of("Get x", new FerryException(category, "what happened"));
        assertThat(e.getStatus().getCode().name()).isEqualTo(category.name());
        assertThat(e.getStatus().getDescription()).isEqualTo("what happened");
    }

    @Test
    void shouldCallABugInternal() {
        StatusRuntimeException e = ApiStatus.of("Get x", new NullPointerException());
        assertThat(e.getStatus().getCode().name()).isEqualTo("INTERNAL");
        assertThat(e.getStatus().getDescription()).contains("NullPointerException");
    }

    @Test
    void shouldCarryEachReasonAsADetail() throws InvalidProtocolBufferException {
        StatusRuntimeException e = ApiStatus.of("Start g1", new CannotMoveException("g1", FakeMigrations.AGAINST));

        assertThat(e.getStatus().getCode().name()).isEqualTo("FAILED_PRECONDITION");
        assertThat(e.getStatus().getDescription()).contains("g1", "VFIO_DEVICE", "unplug it");
        ErrorInfo info = StatusProto.fromThrowable(e).getDetails(0).unpack(ErrorInfo.class);
        assertThat(info.getReason()).isEqualTo("VFIO_DEVICE");
        assertThat(info.getDomain()).isEqualTo(ApiStatus.DOMAIN);
        assertThat(info.getMetadataMap()).containsEntry("message", "unplug it");
        assertThat(StatusProto.fromThrowable(e).getDetailsCount()).isEqualTo(2);
    }

    @Test
    void shouldSayHowMuchOfALongTextIsMissing() {
        String log = "qemu says: no\n".repeat(2_000);
        String sent = ApiStatus.of("Run x", new FerryException(ErrorCategory.UNAVAILABLE, "cannot start: " + log))
                .getStatus()
                .getDescription();
        assertThat(sent).startsWith("cannot start: qemu says: no\n").hasSizeBetween(3_500, 5_000);
        assertThat(sent).endsWith("... (" + (14 + log.length() - sent.lastIndexOf("...")) + " more characters)");
    }

    @Test
    void shouldSayHowManyReasonsHadNoRoom() throws InvalidProtocolBufferException {
        StatusRuntimeException e = ApiStatus.of("Start g1", new CannotMoveException("g1", FakeMigrations.HOPELESS));

        assertThat(e.getStatus().getDescription())
                .startsWith("guest g1 cannot move")
                .endsWith(" more characters)");
        Status status = StatusProto.fromThrowable(e);
        assertThat(status.getSerializedSize()).isLessThan(4 << 10);
        int carried = status.getDetailsCount() - 1;
        assertThat(carried).isGreaterThan(7);
        ErrorInfo last = status.getDetails(carried).unpack(ErrorInfo.class);
        assertThat(last.getReason()).isEqualTo(ApiStatus.MORE);
        assertThat(last.getMetadataMap().get("message")).startsWith((60 - carried) + " more");
    }

    @Test
    void shouldSendAllReasonsWhenTheyHaveRoom() {
        for (int count : new int[] {1, 12}) {
            StatusRuntimeException e = ApiStatus.of(
                    "Start g1",
                    new CannotMoveException(
                            "g1",
                            Collections.nCopies(count, new Reason("NO_MEMORY", "wants 1 GiB more than there is"))));
            assertThat(StatusProto.fromThrowable(e).getDetailsCount()).isEqualTo(count);
        }
    }
}
