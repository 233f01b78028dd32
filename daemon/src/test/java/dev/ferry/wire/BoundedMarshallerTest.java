package dev.ferry.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import dev.ferry.migration.PageRuns;
import dev.ferry.v1.PeerServiceGrpc;
import dev.ferry.v1.SmallPages;
import dev.ferry.v1.SwitchoverRequest;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayInputStream;
import org.junit.jupiter.api.Test;

/** Messages that are small on the wire and large on the heap. */
class BoundedMarshallerTest {
    private static final int STALE = 4;
    private static final int GAP_AND_LENGTH = 2;
    private static final int BYTES = 2;

    private final MethodDescriptor.Marshaller<SwitchoverRequest> marshaller =
            BoundedMarshaller.of(PeerServiceGrpc.getSwitchoverMethod().getRequestMarshaller());

    private void assertRefused(byte[] message) {
        assertThatThrownBy(() -> marshaller.parse(new ByteArrayInputStream(message)))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
    }

    @Test
    void shouldRefuseManyNumbersOfOneByte() throws Exception {
        int numbers = 60 << 20;
        byte[] message = new byte[numbers + 32];
        CodedOutputStream out = CodedOutputStream.newInstance(message);
        out.writeTag(STALE, BYTES);
        out.writeUInt32NoTag(numbers + 1 + CodedOutputStream.computeUInt32SizeNoTag(numbers));
        out.writeTag(GAP_AND_LENGTH, BYTES);
        out.writeUInt32NoTag(numbers);
        assertRefused(java.util.Arrays.copyOf(message, out.getTotalBytesWritten() + numbers));
    }

    @Test
    void shouldRefuseManyEmptyMessages() {
        byte[] message = new byte[60 << 20];
        for (int i = 0; i < message.length; i += 2) {
            message[i] = (STALE << 3) | BYTES;
        }
        assertRefused(message);
    }

    @Test
    void shouldDropUnknownFields() {
        byte[] message = {(byte) (15 << 3), 1, (byte) (15 << 3), 2};
        assertThat(marshaller.parse(new ByteArrayInputStream(message)))
                .isEqualTo(SwitchoverRequest.getDefaultInstance());
    }

    @Test
    void shouldTakeTheLargestThatASourceSends() {
        dev.ferry.v1.PageRuns.Builder runs = dev.ferry.v1.PageRuns.newBuilder();
        for (int i = 0; i < PageRuns.MAX_RUNS; i++) {
            runs.addGapAndLength(1L << 33).addGapAndLength(1L << 33);
        }
        SwitchoverRequest.Builder b =
                SwitchoverRequest.newBuilder().addStale(runs).setDeviceState(ByteString.copyFrom(new byte[8 << 20]));
        for (int i = 0; i < 16_384; i++) {
            b.addSmallPages(SmallPages.newBuilder().setFirstPage(i).setData(ByteString.copyFrom(new byte[1024])));
        }
        SwitchoverRequest sent = b.build();
        assertThat(marshaller.parse(new ByteArrayInputStream(sent.toByteArray())))
                .isEqualTo(sent);
    }
}
