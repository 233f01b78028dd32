package dev.ferry.wire;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.ByteString;
import dev.ferry.memory.RamBlock;
import dev.ferry.migration.IncomingSpec;
import dev.ferry.migration.PageRuns;
import dev.ferry.precopy.SentPages;
import dev.ferry.v1.BlockLayout;
import dev.ferry.v1.DestinationStats;
import dev.ferry.v1.FinishResponse;
import dev.ferry.v1.PeerServiceGrpc;
import dev.ferry.v1.PrepareRequest;
import dev.ferry.v1.ReconcileResponse;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Control messages from any bytes: a value that keeps its promises, or a refusal by name. */
class PeerMessagesFuzzTest {
    private static final RamBlock RAM = new RamBlock(0, "pc.ram", 1000L << 12, 1 << 12, true);

    static Stream<byte[]> layouts() {
        BlockLayout.Builder block =
                BlockLayout.newBuilder().setName("ram").setLengthBytes(1 << 20).setPageSizeBytes(4096);
        return Stream.of(
                        PrepareRequest.newBuilder().addBlocks(block.clone()),
                        PrepareRequest.newBuilder().addBlocks(block.clone().setPageSizeBytes(-4096)),
                        PrepareRequest.newBuilder()
                                .addBlocks(block.clone().setLengthBytes(1L << 62))
                                .addBlocks(block.clone().setIndex(1).setLengthBytes(1L << 62)),
                        PrepareRequest.newBuilder().addBlocks(block.clone().setPageSizeBytes(1 << 31)))
                .map(b -> b.build().toByteArray());
    }

    @MethodSource("layouts")
    @FuzzTest
    void prepare(byte[] bytes) {
        PrepareRequest request = parse(PeerServiceGrpc.getPrepareMethod().getRequestMarshaller(), bytes);
        if (request == null) {
            return;
        }
        IncomingSpec spec;
        try {
            spec = PeerMessages.fromProto(request);
        } catch (IllegalArgumentException e) {
            return;
        }
        long total = 0;
        for (RamBlock block : spec.blocks()) {
            total = Math.addExact(total, block.lengthBytes());
            if (block.pageCount() <= 0 || block.offsetOf(block.pageCount() - 1) >= block.lengthBytes()) {
                throw new AssertionError(block);
            }
        }
    }

    static Stream<byte[]> answers() {
        return Stream.of(
                        runs(0, 10, 5, 3),
                        runs(0, 10, 5, -1),
                        runs(0, 10),
                        runs(0, 999, 2),
                        runs(0, Long.MAX_VALUE, Long.MAX_VALUE, 4, Long.MAX_VALUE),
                        runs(-1, 0, 1))
                .map(r -> ReconcileResponse.newBuilder().addMissing(r).build().toByteArray());
    }

    private static dev.ferry.v1.PageRuns runs(int block, long... gapAndLength) {
        dev.ferry.v1.PageRuns.Builder b = dev.ferry.v1.PageRuns.newBuilder().setBlock(block);
        for (long n : gapAndLength) {
            b.addGapAndLength(n);
        }
        return b.build();
    }

    /** What a destination says that it lacks, as the source takes it: only pages that there are become unsent. */
    @MethodSource("answers")
    @FuzzTest
    void missing(byte[] bytes) {
        ReconcileResponse answer = parse(PeerServiceGrpc.getReconcileMethod().getResponseMarshaller(), bytes);
        if (answer == null) {
            return;
        }
        SentPages sent = new SentPages(List.of(RAM));
        sent.resetToAllSent(RAM);
        long named = 0;
        try {
            for (PageRuns runs : answer.getMissingList().stream()
                    .map(PeerMessages::fromProto)
                    .toList()) {
                long[] pages = new long[1];
                runs.forEach(RAM.pageCount(), (first, n) -> {
                    sent.markUnsent(RAM, first, n);
                    pages[0] += n;
                });
                named = Math.max(named, pages[0]);
            }
        } catch (IllegalArgumentException e) {
            return;
        }
        long unsent = sent.unsentBytes() / RAM.pageSizeBytes();
        if (unsent < named || unsent > RAM.pageCount()) {
            throw new AssertionError(named + " pages were named, " + unsent + " are unsent");
        }
    }

    static Stream<byte[]> counters() {
        DestinationStats.Builder five = DestinationStats.newBuilder();
        for (int i = 0; i < 5; i++) {
            five.addFaultLatencyUs(i);
        }
        return Stream.of(five, DestinationStats.newBuilder().addFaultLatencyUs(Double.NaN))
                .map(s -> FinishResponse.newBuilder().setStats(s).build().toByteArray());
    }

    @MethodSource("counters")
    @FuzzTest
    void finish(byte[] bytes) {
        FinishResponse answer = parse(PeerServiceGrpc.getFinishMethod().getResponseMarshaller(), bytes);
        if (answer != null) {
            PeerMessages.fromProto(answer.getStats());
        }
    }

    static Stream<byte[]> switchovers() {
        return Stream.of(dev.ferry.v1.SwitchoverRequest.newBuilder()
                .addStale(runs(0, 1, 2))
                .setDeviceState(ByteString.copyFromUtf8("state"))
                .build()
                .toByteArray());
    }

    /** What is taken is what protobuf would have taken, but for unknown fields. */
    @MethodSource("switchovers")
    @FuzzTest
    void bounded(byte[] bytes) throws Exception {
        dev.ferry.v1.SwitchoverRequest taken =
                parse(PeerServiceGrpc.getSwitchoverMethod().getRequestMarshaller(), bytes);
        if (taken != null) {
            dev.ferry.v1.SwitchoverRequest plain = com.google.protobuf.DiscardUnknownFieldsParser.wrap(
                            dev.ferry.v1.SwitchoverRequest.parser())
                    .parseFrom(bytes);
            if (!plain.equals(taken)) {
                throw new AssertionError(taken + " instead of " + plain);
            }
        }
    }

    private static <T> T parse(MethodDescriptor.Marshaller<T> marshaller, byte[] bytes) {
        try {
            return BoundedMarshaller.of(marshaller).parse(new ByteArrayInputStream(bytes));
        } catch (StatusRuntimeException e) {
            return null;
        }
    }
}
