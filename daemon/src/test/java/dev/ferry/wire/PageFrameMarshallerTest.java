package dev.ferry.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.ferry.v1.PageBatch;
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
        f.runs.add(random.nextLong() >>> 1, 1 + random.nextInt(Integer.MAX_VALUE), dataLength == 0);
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
        assertThat(theirs.getFirstPage()).isEqualTo(f.runs.firstPage(0));
        assertThat(theirs.getPageCount()).isEqualTo(f.runs.totalPages());
        assertThat(theirs.getSequence()).isEqualTo(f.sequence);
        assertThat(theirs.getData().size()).isEqualTo(length);

        PageFrame back = marshaller.parse(new ByteArrayInputStream(theirs.toByteArray()));
        assertThat(back.migration).isEqualTo(f.migration);
        assertThat(back.runs.firstPage(0)).isEqualTo(f.runs.firstPage(0));
        assertThat(back.sequence).isEqualTo(f.sequence);
        assertThat(back.dataLength).isEqualTo(length);
        if (length > 0) {
            assertThat(back.crc32c).isEqualTo(f.crc32c);
            assertThat(back.data.slice(back.dataIndex, length).mismatch(f.data.slice(7, length)))
                    .isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 64, 512})
    void shouldKeepRuns(int count) throws IOException {
        Random random = new Random(count);
        PageFrame f = frame(4096, 1);
        f.runs.clear();
        long page = 0;
        for (int i = 0; i < count; i++) {
            page += random.nextLong() >>> (12 + random.nextInt(50));
            long pages = 1 + (random.nextLong() >>> (14 + random.nextInt(49)));
            f.runs.add(page, pages, random.nextBoolean());
            page += pages;
        }
        PageBatch theirs = PageBatch.parseFrom(bytes(f));
        assertThat(theirs.getRunsCount()).isEqualTo(2 * count);
        assertThat(theirs.getRuns(0)).isEqualTo(f.runs.firstPage(0));
        assertThat(theirs.getPageCount()).isZero();

        PageFrame back = marshaller.parse(new ByteArrayInputStream(theirs.toByteArray()));
        assertThat(back.runs.size()).isEqualTo(count);
        for (int i = 0; i < count; i++) {
            assertThat(back.runs.firstPage(i)).isEqualTo(f.runs.firstPage(i));
            assertThat(back.runs.pageCount(i)).isEqualTo(f.runs.pageCount(i));
            assertThat(back.runs.isZero(i)).isEqualTo(f.runs.isZero(i));
        }
    }

    @Test
    void shouldRefuseRunsThatMakeNoSense() {
        for (PageBatch bad : new PageBatch[] {
            PageBatch.newBuilder().addRuns(1).build(), // half a run
            PageBatch.newBuilder().addRuns(1).addRuns(1).build(), // no pages
            PageBatch.newBuilder().addRuns(-1).addRuns(2).build(),
            PageBatch.newBuilder()
                    .addRuns(Long.MAX_VALUE)
                    .addRuns(2)
                    .addRuns(1)
                    .addRuns(2)
                    .build(),
            PageBatch.newBuilder().setPageCount(1).addRuns(1).addRuns(2).build(),
            PageBatch.newBuilder()
                    .addAllRuns(java.util.Collections.nCopies(1026, 2L))
                    .build()
        }) {
            assertThat(marshaller.parse(new ByteArrayInputStream(bad.toByteArray())).malformed)
                    .isNotNull();
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
    void shouldSayThatGarbageIsMalformedAndNothingElse(long seed) throws IOException {
        Random random = new Random(seed);
        byte[] good = bytes(frame(4096, seed));
        for (int i = 0; i < 5000; i++) {
            byte[] bad = good.clone();
            for (int k = 0; k < 1 + random.nextInt(4); k++) {
                bad[random.nextInt(Math.min(60, bad.length))] = (byte) random.nextInt();
            }
            int length = random.nextInt(bad.length + 1);
            PageFrame f = marshaller.parse(new ByteArrayInputStream(bad, 0, length));
            if (f.malformed == null) {
                assertThat(f.block).isNotNegative();
                for (int r = 0; r < f.runs.size(); r++) {
                    assertThat(f.runs.firstPage(r)).isNotNegative();
                    assertThat(f.runs.pageCount(r)).isPositive();
                }
                assertThat(f.dataLength).isBetween(0, bad.length);
            }
        }
    }

    @Test
    void shouldNotBelieveALengthThatIsNotThere() {
        byte[] bad = {(byte) 0x7a, (byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff, 7};
        assertThat(marshaller.parse(new ByteArrayInputStream(bad)).malformed).contains("cut short");
    }
}
