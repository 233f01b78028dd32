package dev.ferry.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.ByteString;
import dev.ferry.v1.PageBatch;
import io.grpc.HasByteBuffer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any bytes as a page message: never an exception, the same in whatever pieces they come, and what is understood goes out again as it came. */
class PageFrameFuzzTest {
    private static final int PIECE_BYTES = 5;

    private final PageFrameMarshaller marshaller = new PageFrameMarshaller();

    static Stream<byte[]> messages() {
        PageBatch.Builder header = PageBatch.newBuilder().setMigration(77).setEpoch(1);
        return Stream.of(
                        header.clone(),
                        header.clone()
                                .setFirstPage(3)
                                .setPageCount(2)
                                .setSequence(9)
                                .setCrc32C(5)
                                .setData(ByteString.copyFrom(new byte[64])),
                        header.clone().addRuns(3).addRuns(4).addRuns(2).addRuns(9),
                        header.clone().setFirstPage(-1).setPageCount(1),
                        header.clone().addRuns(Long.MAX_VALUE).addRuns(4),
                        header.clone().addRuns(0).addRuns(-1),
                        header.clone().setAcknowledge(true).setBlock(-1))
                .map(b -> b.build().toByteArray());
    }

    @MethodSource("messages")
    @FuzzTest
    void anyBytes(byte[] bytes) throws IOException {
        Said whole = Said.of(marshaller.parse(new ByteArrayInputStream(bytes)));
        assertThat(Said.of(marshaller.parse(new Pieces(bytes)))).isEqualTo(whole);
        if (whole.malformed() != null) {
            return;
        }
        PageFrame frame = marshaller.parse(new ByteArrayInputStream(bytes));
        if (frame.runs.size() == 1 && frame.runs.isZero(0) != (frame.dataLength == 0)) {
            return; // contradicts itself: PageCalls refuses it, and nobody sends it
        }
        byte[] out = marshaller.stream(frame).readAllBytes();
        Said again = Said.of(marshaller.parse(new ByteArrayInputStream(out)));
        // Of data alone the checksum is told.
        assertThat(whole.data().isEmpty() ? again.withChecksum(whole.crc32c()) : again)
                .isEqualTo(whole);
    }

    private record Said(
            String malformed,
            long migration,
            long epoch,
            int block,
            String runs,
            long sequence,
            int crc32c,
            boolean acknowledge,
            ByteString data) {
        static Said of(PageFrame f) {
            if (f.malformed != null) {
                return new Said("malformed", 0, 0, 0, "", 0, 0, false, ByteString.EMPTY);
            }
            StringBuilder runs = new StringBuilder();
            for (int i = 0; i < f.runs.size(); i++) {
                runs.append(f.runs.firstPage(i)).append('+').append(f.runs.pageCount(i));
                runs.append(f.runs.isZero(i)).append(' ');
            }
            ByteString data = f.dataLength == 0
                    ? ByteString.EMPTY
                    : ByteString.copyFrom(f.data.duplicate().clear().slice(f.dataIndex, f.dataLength));
            return new Said(
                    null, f.migration, f.epoch, f.block, runs.toString(), f.sequence, f.crc32c, f.acknowledge, data);
        }

        Said withChecksum(int crc) {
            return new Said(malformed, migration, epoch, block, runs, sequence, crc, acknowledge, data);
        }
    }

    /** As the network hands them over: buffers of a few bytes. */
    private static final class Pieces extends ByteArrayInputStream implements HasByteBuffer {
        Pieces(byte[] bytes) {
            super(bytes);
        }

        @Override
        public boolean byteBufferSupported() {
            return true;
        }

        @Override
        public ByteBuffer getByteBuffer() {
            return available() == 0 ? null : ByteBuffer.wrap(buf, pos, Math.min(PIECE_BYTES, available()));
        }
    }
}
