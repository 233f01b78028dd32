package dev.ferry.wire;

import io.grpc.Drainable;
import io.grpc.internal.ReadableBuffers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** A page message out and in again, as one page (demand) and as a batch (bulk). Without gRPC and the network. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PageFrameBenchmark {
    private static final int PAGE_BYTES = 4096;

    @Param({"1", "32"})
    public int pages;

    private final PageFrameMarshaller marshaller = new PageFrameMarshaller();
    private final PageFrame frame = new PageFrame();
    private ByteBuffer encoded;

    @Setup
    public void fill() throws IOException {
        frame.migration = 0x1234_5678_9abc_def0L;
        frame.epoch = 1;
        frame.runs.add(123_456, pages, false);
        frame.sequence = 7;
        frame.data = ByteBuffer.allocateDirect(pages * PAGE_BYTES);
        frame.dataLength = pages * PAGE_BYTES;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        drain(out);
        encoded = ByteBuffer.allocateDirect(out.size()).put(out.toByteArray()).flip();
    }

    @Benchmark
    public int encode() throws IOException {
        return drain(OutputStream.nullOutputStream());
    }

    /** From a direct buffer, as Netty's are. */
    @Benchmark
    public int parse() throws IOException {
        try (InputStream in = ReadableBuffers.openStream(ReadableBuffers.wrap(encoded.duplicate()), true)) {
            return marshaller.parse(in).dataLength;
        }
    }

    /** The checksum of the data alone, for comparison. */
    @Benchmark
    public int crc32c() {
        return Crc.of(frame.data, 0, frame.dataLength);
    }

    private int drain(OutputStream out) throws IOException {
        try (InputStream in = marshaller.stream(frame)) {
            return ((Drainable) in).drainTo(out);
        }
    }
}
