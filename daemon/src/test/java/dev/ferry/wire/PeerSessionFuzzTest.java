package dev.ferry.wire;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.ferry.memory.RunList;
import dev.ferry.migration.FuzzedArrival;
import dev.ferry.v1.CommitRequest;
import dev.ferry.v1.FinishRequest;
import dev.ferry.v1.PageBatch;
import dev.ferry.v1.PageRuns;
import dev.ferry.v1.ReconcileRequest;
import dev.ferry.v1.SmallPages;
import dev.ferry.v1.SwitchoverRequest;
import io.grpc.Attributes;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.EventExecutor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A source that says anything in any order, byte for byte through the real services to the real state machine: pages on both
 * streams, the steps of the switch, questions, silence. What must never happen is told by {@link FuzzedArrival}; besides,
 * a message that is refused before the commit must keep the guest from running here, and no answer may be INTERNAL.
 */
class PeerSessionFuzzTest {
    private static final int MAX_STEPS = 64;
    private static final int MAX_DATA_BYTES = 8 * FuzzedArrival.PAGE;
    private static final Set<Status.Code> REFUSALS = Set.of(
            Status.Code.INVALID_ARGUMENT, Status.Code.FAILED_PRECONDITION, Status.Code.NOT_FOUND, Status.Code.ABORTED);

    /** What a step does, and how what a fuzzer cannot guess is put right: the low bits of its first byte, and the high ones. */
    private enum Step {
        BULK,
        DEMAND,
        OPEN_BULK,
        OPEN_DEMAND,
        SWITCHOVER,
        COMMIT,
        RECONCILE,
        FINISH,
        TOUCH,
        SWEEP,
        HALF_CLOSE,
        CANCEL;

        static Step of(int first) {
            return values()[(first & 0xf) % values().length];
        }
    }

    private static final int RIGHT_IDS = 0x10;
    private static final int RIGHT_SEQUENCE = 0x20;
    private static final int RIGHT_LENGTH = 0x40;
    private static final int RIGHT_CHECKSUM = 0x80;
    private static final int RIGHT = RIGHT_IDS | RIGHT_SEQUENCE | RIGHT_LENGTH | RIGHT_CHECKSUM;

    static Stream<byte[]> sessions() {
        PageBatch.Builder two = PageBatch.newBuilder().setFirstPage(3).setPageCount(2);
        PageBatch data = two.clone().setData(ByteString.copyFrom(new byte[8])).build();
        PageBatch zeros = PageBatch.newBuilder()
                .addRuns(5)
                .addRuns(9)
                .addRuns(1)
                .addRuns(3)
                .build();
        PageBatch all = PageBatch.newBuilder().setFirstPage(0).setPageCount(64).build();
        PageBatch small = data.toBuilder().setBlock(1).setAcknowledge(true).build();
        SwitchoverRequest switchover = SwitchoverRequest.newBuilder()
                .addStale(PageRuns.newBuilder().addGapAndLength(3).addGapAndLength(1))
                .addSmallPages(SmallPages.newBuilder()
                        .setBlock(1)
                        .setFirstPage(1)
                        .setData(ByteString.copyFrom(new byte[4096])))
                .setDeviceState(ByteString.copyFrom(new byte[3]))
                .build();
        SwitchoverRequest outside = SwitchoverRequest.newBuilder()
                .addStale(PageRuns.newBuilder().addGapAndLength(60).addGapAndLength(9))
                .build();
        Script open = new Script().say(Step.OPEN_BULK).say(Step.OPEN_DEMAND);
        Script before = open.then().say(Step.BULK, data.toByteArray()).say(Step.BULK, zeros.toByteArray());
        Script after = before.then().say(Step.BULK, small.toByteArray()).say(Step.SWITCHOVER, switchover.toByteArray());
        return Stream.of(
                        open,
                        before,
                        after.then()
                                .say(Step.COMMIT)
                                .say(Step.TOUCH, 3)
                                .say(Step.DEMAND, data.toByteArray())
                                .say(Step.RECONCILE)
                                .say(Step.BULK, all.toByteArray())
                                .say(Step.FINISH),
                        before.then()
                                .say(Step.SWITCHOVER, outside.toByteArray())
                                .say(Step.SWITCHOVER, switchover.toByteArray())
                                .say(Step.COMMIT),
                        after.then()
                                .say(Step.SWITCHOVER, switchover.toByteArray())
                                .say(Step.COMMIT)
                                .say(Step.BULK, data.toByteArray()),
                        after.then()
                                .say(Step.COMMIT)
                                .say(Step.CANCEL)
                                .say(Step.OPEN_BULK)
                                .say(Step.OPEN_DEMAND)
                                .say(Step.TOUCH, 9))
                .map(Script::bytes);
    }

    @MethodSource("sessions")
    @FuzzTest
    void anySession(byte[] script) {
        Session session = new Session();
        ByteBuffer in = ByteBuffer.wrap(script);
        for (int i = 0; i < MAX_STEPS && in.remaining() >= 3; i++) {
            int first = in.get() & 0xff;
            byte[] message = new byte[Math.min(in.getShort() & 0xffff, in.remaining())];
            in.get(message);
            session.step(Step.of(first), first, message);
        }
        session.end();
    }

    private static final class Session {
        private final FuzzedArrival arrival = new FuzzedArrival();
        private final PeerService steps = new PeerService(arrival.arrivals(), "test", "there");
        private final PageCalls pages = new PageCalls(arrival.arrivals(), List.of(loop()));
        private final PageFrameMarshaller marshaller = new PageFrameMarshaller();
        private final List<Call<?>> calls = new ArrayList<>();
        private Call<?> bulk;
        private Call<?> demand;
        private long sequence;
        private boolean refused;

        void step(Step step, int flags, byte[] message) {
            switch (step) {
                case OPEN_BULK -> {
                    bulk = new Call<>(PageMethods.BULK, pages);
                    calls.add(bulk);
                    sequence = 0;
                    bulk.hear(frame(message, flags), arrival);
                }
                case OPEN_DEMAND -> {
                    demand = new Call<>(PageMethods.DEMAND, pages);
                    calls.add(demand);
                    demand.hear(frame(message, flags), arrival);
                }
                case BULK -> page(bulk, message, flags);
                case DEMAND -> page(demand, message, flags);
                case SWITCHOVER -> switchover(message, flags);
                case COMMIT ->
                    steps.commit(
                            CommitRequest.newBuilder()
                                    .setMigration(id(flags))
                                    .setEpoch(FuzzedArrival.EPOCH)
                                    .build(),
                            new Answer<>());
                case RECONCILE ->
                    steps.reconcile(
                            ReconcileRequest.newBuilder()
                                    .setMigration(id(flags))
                                    .setEpoch(FuzzedArrival.EPOCH)
                                    .build(),
                            new Answer<>());
                case FINISH ->
                    steps.finish(
                            FinishRequest.newBuilder()
                                    .setMigration(id(flags))
                                    .setEpoch(FuzzedArrival.EPOCH)
                                    .build(),
                            new Answer<>());
                case TOUCH -> arrival.touch(message.length == 0 ? 0 : message[0] & (FuzzedArrival.RAM_PAGES - 1));
                case SWEEP -> arrival.sweep(message.length * 1_000_000_000L);
                case HALF_CLOSE -> calls.forEach(call -> call.listener.onHalfClose());
                case CANCEL -> calls.forEach(call -> call.listener.onCancel());
            }
            arrival.check(refused);
        }

        private static long id(int flags) {
            return (flags & RIGHT_IDS) != 0 ? FuzzedArrival.ID : 0;
        }

        private void page(Call<?> call, byte[] message, int flags) {
            if (call == null) {
                return;
            }
            boolean before = !arrival.hasRun();
            boolean taken = call.hear(frame(message, flags), arrival);
            refused |= before && !taken;
        }

        private PageFrame frame(byte[] message, int flags) {
            PageFrame frame = marshaller.parse(new ByteArrayInputStream(message));
            if ((flags & RIGHT_IDS) != 0) {
                frame.migration = FuzzedArrival.ID;
                frame.epoch = FuzzedArrival.EPOCH;
            }
            if ((flags & RIGHT_SEQUENCE) != 0) {
                frame.sequence = ++sequence;
            }
            if ((flags & RIGHT_LENGTH) != 0) {
                fill(frame);
            }
            if ((flags & RIGHT_CHECKSUM) != 0 && frame.dataLength > 0) {
                frame.crc32c = Crc.of(frame.data, frame.dataIndex, frame.dataLength);
            }
            return frame;
        }

        /** As many bytes as its runs need, where that is not much. */
        private static void fill(PageFrame frame) {
            long pages = 0;
            RunList runs = frame.runs;
            for (int i = 0; i < runs.size(); i++) {
                pages += runs.isZero(i) ? 0 : Math.min(runs.pageCount(i), MAX_DATA_BYTES);
            }
            int needed = (int) Math.min(pages * FuzzedArrival.PAGE, MAX_DATA_BYTES);
            if (frame.data == null || frame.data.capacity() < needed) {
                frame.data = ByteBuffer.allocateDirect(MAX_DATA_BYTES);
            }
            frame.dataIndex = 0;
            frame.dataLength = needed;
        }

        private void switchover(byte[] message, int flags) {
            SwitchoverRequest request;
            try {
                request = SwitchoverRequest.parseFrom(message);
            } catch (InvalidProtocolBufferException e) {
                return; // gRPC refuses it
            }
            SwitchoverRequest.Builder b = request.toBuilder();
            if ((flags & RIGHT_IDS) != 0) {
                b.setMigration(FuzzedArrival.ID).setEpoch(FuzzedArrival.EPOCH);
            }
            if ((flags & RIGHT_SEQUENCE) != 0) {
                b.setBulkSequence(sequence);
            }
            Answer<Object> answer = new Answer<>();
            boolean before = !arrival.hasRun();
            @SuppressWarnings({"unchecked", "rawtypes"})
            StreamObserver<dev.ferry.v1.SwitchoverResponse> observer = (StreamObserver) answer;
            steps.switchover(b.build(), observer);
            refused |= before && answer.code == Status.Code.INVALID_ARGUMENT;
        }

        /** Time goes by: whatever was said, a source that stays away before the commit leaves nothing behind. */
        void end() {
            calls.forEach(call -> call.listener.onCancel());
            arrival.sweep(60_000_000_000L);
            arrival.check(refused);
            if (!arrival.hasRun() && !arrival.isFenced()) {
                throw new AssertionError("neither runs nor ended");
            }
        }
    }

    /** What the transport does, on this thread. */
    private static final class Call<T> extends ServerCall<PageFrame, T> {
        private final MethodDescriptor<PageFrame, T> method;
        private final ServerCall.Listener<PageFrame> listener;
        private boolean opened;
        private boolean closed;
        private Status.Code code;

        @SuppressWarnings("unchecked")
        Call(MethodDescriptor<PageFrame, T> method, PageCalls pages) {
            this.method = method;
            this.listener = ((io.grpc.ServerCallHandler<PageFrame, T>) pages.definition()
                            .getMethod(method.getFullMethodName())
                            .getServerCallHandler())
                    .startCall(this, new Metadata());
        }

        /** Whether the message was taken. One that breaks the protocol on an open stream has to be counted. */
        boolean hear(PageFrame frame, FuzzedArrival arrival) {
            if (closed) {
                return true;
            }
            long before = arrival.refusedMessages();
            listener.onMessage(frame);
            boolean refused = opened && code == Status.Code.INVALID_ARGUMENT;
            if (refused && arrival.refusedMessages() == before) {
                throw new AssertionError("refused and not counted");
            }
            opened = true;
            return !refused;
        }

        @Override
        public void close(Status status, Metadata trailers) {
            closed = true;
            code = status.getCode();
            if (!status.isOk() && !REFUSALS.contains(code)) {
                throw new AssertionError("answered with " + status, status.getCause());
            }
        }

        @Override
        public void request(int messages) {}

        @Override
        public void sendHeaders(Metadata headers) {}

        @Override
        public void sendMessage(T message) {
            method.getResponseMarshaller().stream(message);
        }

        @Override
        public boolean isCancelled() {
            return closed;
        }

        @Override
        public Attributes getAttributes() {
            return Attributes.EMPTY;
        }

        @Override
        public MethodDescriptor<PageFrame, T> getMethodDescriptor() {
            return method;
        }
    }

    private static final class Answer<T> implements StreamObserver<T> {
        private Status.Code code;

        @Override
        public void onNext(T value) {
            code = Status.Code.OK;
        }

        @Override
        public void onError(Throwable t) {
            code = Status.fromThrowable(t).getCode();
            if (!REFUSALS.contains(code)) {
                throw new AssertionError("answered with " + Status.fromThrowable(t), t);
            }
        }

        @Override
        public void onCompleted() {}
    }

    /** On which every call runs. */
    private static EventExecutor loop() {
        return (EventExecutor) Proxy.newProxyInstance(
                PeerSessionFuzzTest.class.getClassLoader(),
                new Class<?>[] {IoEventLoop.class},
                (proxy, method, arguments) -> method.getName().equals("inEventLoop") ? true : null);
    }

    /** Messages as the fuzz test reads them. */
    private static final class Script {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Script say(Step step, byte... message) {
            out.write(RIGHT | List.of(Step.values()).indexOf(step));
            out.write(message.length >>> 8);
            out.write(message.length);
            out.writeBytes(message);
            return this;
        }

        Script say(Step step, int one) {
            return say(step, new byte[] {(byte) one});
        }

        Script then() {
            Script next = new Script();
            next.out.writeBytes(bytes());
            return next;
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }
}
