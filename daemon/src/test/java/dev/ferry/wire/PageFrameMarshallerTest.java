package dev.ferry.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.ferry.v1.PageBatch;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PageFrameMarshallerTest {
    private final PageFrameMarshaller marshaller = new PageFrameMarshaller();

    private static PageFrame frame(int dataLength, long seed) {
        Random random = new Random(seed);
        PageFrame f = new PageFrame();
        f.migration = random.nextLong();
        f.epoch = random.nextLong();
        f.block = random.nextInt(Integer.MAX_VALUE);
        f.firstPage = random.nextLong() & Long.MAX_VALUE;
        f.pageCount = random.nextInt(Integer.MAX_VALUE);
        f.sequence = random.nextLong() & Long.MAX_VALUE;
        byte[] bytes = new byte[dataLength];
        random.nextBytes(bytes);
        f.data = ByteBuffer.allocateDirect(dataLength + 7);
        f.data.put(7, bytes);
        f.dataIndex = 7;
        f.dataLength = dataLength;
        f.crc32c = Crc.of(f.data, 7, dataLength);
        return f;
    }

    private byte[] bytes(PageFrame f) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PageFrameStream in = (PageFrameStream) marshaller.stream(f);
        int length = in.available();
        assertThat(in.drainTo(out)).isEqualTo(length);
        assertThat(out.size()).isEqualTo(length);
        return out.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4096, 65536, 262144})
    void shouldBeValidProtobufBothWays(int length) throws IOException {
        PageFrame f = frame(length, length);
        byte[] ours = bytes(f);
        PageBatch theirs = PageBatch.parseFrom(ours);
        assertThat(theirs.getMigration()).isEqualTo(f.migration);
        assertThat(theirs.getEpoch()).isEqualTo(f.epoch);
        assertThat(theirs.getBlock()).isEqualTo(f.block);
        assertThat(theirs.getFirstPage()).isEqualTo(f.firstPage);
        assertThat(theirs.getPageCount()).isEqualTo(f.pageCount);
        assertThat(theirs.getSequence()).isEqualTo(f.sequence);
        assertThat(theirs.getData().size()).isEqualTo(length);

        PageFrame back = marshaller.parse(new ByteArrayInputStream(theirs.toByteArray()));
        assertThat(back.migration).isEqualTo(f.migration);
        assertThat(back.firstPage).isEqualTo(f.firstPage);
        assertThat(back.sequence).isEqualTo(f.sequence);
        assertThat(back.dataLength).isEqualTo(length);
        if (length > 0) {
            assertThat(back.crc32c).isEqualTo(f.crc32c);
            assertThat(back.data.slice(back.dataIndex, length).mismatch(f.data.slice(7, length)))
                    .isEqualTo(-1);
        }
    }

    @Test
    void shouldPassOverFieldsOfALaterVersion() throws IOException {
        byte[] later = PageBatch.newBuilder()
                .setMigration(5)
                .setUnknownFields(com.google.protobuf.UnknownFieldSet.newBuilder()
                        .addField(
                                99,
                                com.google.protobuf.UnknownFieldSet.Field.newBuilder()
                                        .addLengthDelimited(ByteString.copyFromUtf8("new"))
                                        .addVarint(7)
                                        .addFixed32(1)
                                        .addFixed64(2)
                                        .build())
                        .build())
                .build()
                .toByteArray();
        assertThat(marshaller.parse(new ByteArrayInputStream(later)).migration).isEqualTo(5);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void shouldRefuseGarbageWithInvalidArgumentAndNothingElse(long seed) throws IOException {
        Random random = new Random(seed);
        byte[] good = bytes(frame(4096, seed));
        for (int i = 0; i < 5000; i++) {
            byte[] bad = good.clone();
            for (int k = 0; k < 1 + random.nextInt(4); k++) {
                bad[random.nextInt(Math.min(60, bad.length))] = (byte) random.nextInt();
            }
            int length = random.nextInt(bad.length + 1);
            try {
                PageFrame f = marshaller.parse(new ByteArrayInputStream(bad, 0, length));
                assertThat(f.block).isNotNegative();
                assertThat(f.pageCount).isNotNegative();
                assertThat(f.dataLength).isBetween(0, bad.length);
            } catch (StatusRuntimeException e) {
                assertThat(e.getStatus().getCode()).isEqualTo(io.grpc.Status.Code.INVALID_ARGUMENT);
            }
        }
    }

    @Test
    void shouldNotBelieveALengthThatIsNotThere() {
        byte[] bad = {(byte) 0x7a, (byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff, 7};
        assertThatThrownBy(() -> marshaller.parse(new ByteArrayInputStream(bad)))
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessageContaining("cut short");
    }
}
