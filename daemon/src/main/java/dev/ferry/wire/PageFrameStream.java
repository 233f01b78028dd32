package dev.ferry.wire;

import dev.ferry.memory.RunList;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/** One page message on its way out: gRPC asks for its length and then drains it, in the sender's own call. */
final class PageFrameStream extends InputStream implements KnownLength, Drainable {
    private static final int COPY_BYTES = 1 << 16;
    private static final ThreadLocal<byte[]> COPY = ThreadLocal.withInitial(() -> new byte[COPY_BYTES]);

    /** Everything but the runs and the data. */
    private static final int FIXED_HEADER_BYTES = 80;

    /** Two varints of at most 10 bytes. */
    private static final int RUN_BYTES = 20;

    private final byte[] header;
    private final ByteBuffer data;
    private final int dataIndex;
    private final int dataLength;
    private int headerLength;
    private int position;

    PageFrameStream(PageFrame frame) {
        int runs = frame.runs.size();
        boolean one = runs == 1 && frame.runs.pageCount(0) <= Integer.MAX_VALUE;
        header = new byte[FIXED_HEADER_BYTES + (one ? 0 : runs * RUN_BYTES)];
        data = frame.data;
        dataIndex = frame.dataIndex;
        dataLength = frame.dataLength;
        fixed(PageFrameMarshaller.MIGRATION, PageFrameMarshaller.FIXED64, frame.migration, 8);
        fixed(PageFrameMarshaller.EPOCH, PageFrameMarshaller.FIXED64, frame.epoch, 8);
        varint(PageFrameMarshaller.BLOCK, frame.block);
        if (one) {
            varint(PageFrameMarshaller.FIRST_PAGE, frame.runs.firstPage(0));
            varint(PageFrameMarshaller.PAGE_COUNT, frame.runs.pageCount(0));
        }
        varint(PageFrameMarshaller.SEQUENCE, frame.sequence);
        varint(PageFrameMarshaller.ACKNOWLEDGE, frame.acknowledge ? 1 : 0);
        if (runs > 0 && !one) {
            runs(frame.runs);
        }
        if (dataLength > 0) {
            fixed(PageFrameMarshaller.CRC32C, PageFrameMarshaller.FIXED32, frame.crc32c, 4);
            header[headerLength++] = (byte) ((PageFrameMarshaller.DATA << 3) | PageFrameMarshaller.BYTES);
            rawVarint(dataLength);
        }
    }

    @Override
    public int available() {
        return headerLength + dataLength - position;
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
        int total = available();
        byte[] copy = COPY.get();
        while (available() > 0) {
            int n = read(copy, 0, copy.length);
            target.write(copy, 0, n);
        }
        return total;
    }

    @Override
    public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
        if (available() == 0) {
            return -1;
        }
        int done = 0;
        if (position < headerLength) {
            done = Math.min(length, headerLength - position);
            System.arraycopy(header, position, into, offset, done);
            position += done;
        }
        int n = Math.min(length - done, available());
        if (n > 0 && position >= headerLength) {
            data.get(dataIndex + position - headerLength, into, offset + done, n);
            position += n;
            done += n;
        }
        return done;
    }

    private void runs(RunList runs) {
        long page = 0;
        int length = 0;
        for (int i = 0; i < runs.size(); i++) {
            length += size(runs.firstPage(i) - page) + size(code(runs, i));
            page = runs.firstPage(i) + runs.pageCount(i);
        }
        header[headerLength++] = (byte) ((PageFrameMarshaller.RUNS << 3) | PageFrameMarshaller.BYTES);
        rawVarint(length);
        page = 0;
        for (int i = 0; i < runs.size(); i++) {
            rawVarint(runs.firstPage(i) - page);
            rawVarint(code(runs, i));
            page = runs.firstPage(i) + runs.pageCount(i);
        }
    }

    private static long code(RunList runs, int i) {
        return runs.pageCount(i) << 1 | (runs.isZero(i) ? 1 : 0);
    }

    private static int size(long varint) {
        return (63 + 7 - Long.numberOfLeadingZeros(varint | 1)) / 7;
    }

    private void fixed(int field, int type, long value, int bytes) {
        header[headerLength++] = (byte) ((field << 3) | type);
        for (int i = 0; i < bytes; i++) {
            header[headerLength++] = (byte) (value >>> (8 * i));
        }
    }

    private void varint(int field, long value) {
        if (value != 0) {
            header[headerLength++] = (byte) (field << 3);
            rawVarint(value);
        }
    }

    private void rawVarint(long value) {
        long v = value;
        while ((v & ~0x7fL) != 0) {
            header[headerLength++] = (byte) ((v & 0x7f) | 0x80);
            v >>>= 7;
        }
        header[headerLength++] = (byte) v;
    }
}
