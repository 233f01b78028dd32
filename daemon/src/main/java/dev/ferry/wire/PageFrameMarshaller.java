package dev.ferry.wire;

import dev.ferry.memory.RunList;
import io.grpc.HasByteBuffer;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * PageBatch and PageRequest of pages.proto as protobuf, without protobuf objects: page bytes go from the network buffer into
 * one direct buffer a thread, and from the caller's buffer into the network buffer. Field numbers are those of pages.proto.
 */
final class PageFrameMarshaller implements MethodDescriptor.Marshaller<PageFrame> {
    static final int MIGRATION = 1;
    static final int EPOCH = 2;
    static final int BLOCK = 3;
    static final int FIRST_PAGE = 4;
    static final int PAGE_COUNT = 5;
    static final int SEQUENCE = 6;
    static final int CRC32C = 7;
    static final int RUNS = 8;
    static final int ACKNOWLEDGE = 9;
    static final int DATA = 15;

    static final int VARINT = 0;
    static final int FIXED64 = 1;
    static final int BYTES = 2;
    static final int FIXED32 = 5;

    private static final ThreadLocal<PageFrame> FRAME = ThreadLocal.withInitial(PageFrame::new);

    @Override
    public InputStream stream(PageFrame frame) {
        return new PageFrameStream(frame);
    }

    /** The frame is this thread's; it is overwritten by the next parse. Never throws: whoever handles the message refuses it. */
    @Override
    public PageFrame parse(InputStream in) {
        PageFrame frame = FRAME.get();
        frame.migration = 0;
        frame.epoch = 0;
        frame.block = 0;
        frame.malformed = null;
        frame.runs.clear();
        frame.sequence = 0;
        frame.crc32c = 0;
        frame.acknowledge = false;
        frame.dataIndex = 0;
        frame.dataLength = 0;
        long firstPage = 0;
        int pageCount = 0;
        try {
            for (int first = in.read(); first >= 0; first = in.read()) {
                long tag = first < 0x80 ? first : varint(in, first);
                if (tag >>> 32 != 0) {
                    throw new IOException("field number out of range");
                }
                switch ((int) tag) {
                    case (FIRST_PAGE << 3) | VARINT -> firstPage = varint(in, read(in));
                    case (PAGE_COUNT << 3) | VARINT -> pageCount = unsignedInt(varint(in, read(in)));
                    default -> field(in, frame, (int) (tag >>> 3), (int) tag & 7);
                }
            }
            if (pageCount > 0) {
                if (frame.runs.size() > 0) {
                    throw new IOException("page_count and runs");
                }
                frame.runs.add(firstPage, pageCount, frame.dataLength == 0);
            }
        } catch (IOException | IllegalStateException e) {
            frame.malformed = "malformed page message: " + e.getMessage();
        }
        return frame;
    }

    private static void field(InputStream in, PageFrame frame, int number, int type) throws IOException {
        switch (type) {
            case VARINT -> {
                long value = varint(in, read(in));
                switch (number) {
                    case BLOCK -> frame.block = unsignedInt(value);
                    case SEQUENCE -> frame.sequence = value;
                    case ACKNOWLEDGE -> frame.acknowledge = value != 0;
                    // Passed over, such a message would be a batch of other pages than its sender thinks.
                    case RUNS -> throw new IOException("runs that are not packed");
                    default -> {} // of a later version
                }
            }
            case FIXED64 -> {
                long value = fixed(in, 8);
                switch (number) {
                    case MIGRATION -> frame.migration = value;
                    case EPOCH -> frame.epoch = value;
                    default -> {}
                }
            }
            case FIXED32 -> {
                int value = (int) fixed(in, 4);
                if (number == CRC32C) {
                    frame.crc32c = value;
                }
            }
            case BYTES -> {
                int length = unsignedInt(varint(in, read(in)));
                if (length > in.available()) {
                    throw new IOException("field " + number + " of " + length + " bytes is cut short");
                }
                if (number == DATA) {
                    data(in, frame, length);
                } else if (number == RUNS) {
                    runs(in, frame.runs, length);
                } else {
                    in.skipNBytes(length);
                }
            }
            default -> throw new IOException("wire type " + type);
        }
    }

    private static void runs(InputStream in, RunList into, int length) throws IOException {
        int end = in.available() - length;
        long page = 0;
        while (in.available() > end) {
            long gap = varint(in, read(in));
            long run = varint(in, read(in));
            long pages = run >>> 1;
            if (gap < 0 || page + gap < 0 || page + gap + pages < 0) {
                throw new IOException("page number out of range");
            }
            if (pages == 0 || into.isFull()) {
                throw new IOException(pages == 0 ? "an empty run" : "more than " + RunList.MAX_RUNS + " runs");
            }
            into.add(page + gap, pages, (run & 1) != 0);
            page += gap + pages;
        }
        if (in.available() != end) {
            throw new IOException("runs are cut short");
        }
    }

    private static void data(InputStream in, PageFrame frame, int length) throws IOException {
        if (frame.data == null || frame.data.capacity() < length) {
            frame.data = ByteBuffer.allocateDirect(Math.max(length, 1 << 18));
        }
        ByteBuffer into = frame.data.clear();
        if (in instanceof HasByteBuffer buffers && buffers.byteBufferSupported()) {
            int left = length;
            while (left > 0) {
                ByteBuffer piece = buffers.getByteBuffer();
                if (piece == null || !piece.hasRemaining()) {
                    throw new IOException("page data is cut short");
                }
                int n = Math.min(left, piece.remaining());
                into.put(length - left, piece, piece.position(), n);
                in.skipNBytes(n);
                left -= n;
            }
        } else {
            into.put(0, in.readNBytes(length));
        }
        frame.dataLength = length;
    }

    private static long varint(InputStream in, int first) throws IOException {
        long value = first & 0x7f;
        int b = first;
        for (int shift = 7; (b & 0x80) != 0; shift += 7) {
            if (shift > 63) {
                throw new IOException("varint too long");
            }
            b = read(in);
            value |= (long) (b & 0x7f) << shift;
        }
        return value;
    }

    private static long fixed(InputStream in, int bytes) throws IOException {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value |= (long) read(in) << (8 * i);
        }
        return value;
    }

    private static int read(InputStream in) throws IOException {
        int b = in.read();
        if (b < 0) {
            throw new IOException("message is cut short");
        }
        return b;
    }

    private static int unsignedInt(long value) throws IOException {
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw new IOException("number out of range");
        }
        return (int) value;
    }
}
