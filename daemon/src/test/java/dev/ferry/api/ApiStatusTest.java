package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.ferry.base.ErrorCategory;
import dev.ferry.base.FerryException;
import dev.ferry.migration.CannotMoveException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
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
}
