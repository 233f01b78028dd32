package dev.ferry.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.ferry.base.NanoClock;
import dev.ferry.v1.BlockLayout;
import dev.ferry.v1.BulkAck;
import dev.ferry.v1.HelloRequest;
import dev.ferry.v1.PageBatch;
import dev.ferry.v1.PageRequest;
import dev.ferry.v1.PageServiceGrpc;
import dev.ferry.v1.PeerServiceGrpc;
import dev.ferry.v1.PrepareRequest;
import dev.ferry.v1.SwitchoverRequest;
import dev.ferry.wire.PeerServer;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A source that says wrong things over a real connection: refused, counted, nothing placed, and the guest never runs here. */
@Timeout(30)
class HostilePeerTest {
    private static final long ID = 77;
    private static final int PAGE = 4096;

    private final MemoryJournal journal = new MemoryJournal();
    private FakeGuest.Arriving guest;
    private Destinations destinations;
    private PeerServer server;
    private ManagedChannel channel;

    private final GuestHost host = new GuestHost() {
        @Override
        public SourceGuest openSource(String name) {
            throw new AssertionError("nobody leaves");
        }

        @Override
        public List<Reason> checkIncoming(IncomingSpec spec) {
            return List.of();
        }

        @Override
        public ArrivingGuest prepareIncoming(IncomingSpec spec) {
            guest = new FakeGuest.Arriving(spec.blocks());
            return guest;
        }

        @Override
        public ArrivingGuest recoverArrival(String name, String migrationId) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void forgetArrival(String migrationId) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public SourceGuest recoverSource(String name) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void undoDeparture(String name) {}

        @Override
        public void endLost(String name, String migrationId) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void removeLost(String name, String migrationId) {
            throw new AssertionError("no daemon was restarted");
        }

        @Override
        public void undoArrival(String name, String migrationId) {}
    };

    @BeforeEach
    void start() throws Exception {
        destinations = new Destinations(host, journal, NanoClock.system(), System::currentTimeMillis);
        server = new PeerServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                destinations,
                "test",
                "there",
                Optional.empty());
        channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                .usePlaintext()
                .build();
        PeerServiceGrpc.newBlockingStub(channel)
                .prepare(PrepareRequest.newBuilder()
                        .setMigration(ID)
                        .setEpoch(1)
                        .setGuest("db1")
                        .setDefinitionJson("{}")
                        .addBlocks(layout(0, 64, true))
                        .addBlocks(layout(1, 16, false))
                        .build());
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.close();
    }

    private static BlockLayout layout(int index, int pages, boolean ram) {
        return BlockLayout.newBuilder()
                .setIndex(index)
                .setName("block" + index)
                .setLengthBytes(pages * (long) PAGE)
                .setPageSizeBytes(PAGE)
                .setGuestRam(ram)
                .build();
    }

    private static PageBatch.Builder header() {
        return PageBatch.newBuilder().setMigration(ID).setEpoch(1);
    }

    /** Right in every way. */
    private static PageBatch.Builder good() {
        byte[] data = new byte[2 * PAGE];
        java.util.Arrays.fill(data, (byte) 7);
        CRC32C crc = new CRC32C();
        crc.update(data);
        return header().setFirstPage(3)
                .setPageCount(2)
                .setSequence(1)
                .setCrc32C((int) crc.getValue())
                .setData(ByteString.copyFrom(data));
    }

    private static Arguments wrong(String what, UnaryOperator<PageBatch.Builder> change) {
        return Arguments.of(what, change);
    }

    static Stream<Arguments> wrongBatches() {
        return Stream.of(
                wrong("page beyond the block", b -> b.setFirstPage(63)),
                wrong("page number near 2^64", b -> b.setFirstPage(-1)),
                wrong("half a run", b -> b.clearPageCount().addRuns(1)),
                wrong(
                        "a run beyond the block",
                        b -> b.clearPageCount().addRuns(63).addRuns(4)),
                wrong("a run without pages", b -> b.clearPageCount().addRuns(3).addRuns(0)),
                wrong(
                        "more runs than allowed",
                        b -> b.clearPageCount().addAllRuns(java.util.Collections.nCopies(1026, 2L))),
                wrong(
                        "runs of more data than there is",
                        b -> b.clearPageCount().addRuns(1).addRuns(2 * 40)),
                wrong("no pages", b -> b.setPageCount(0)),
                wrong("more pages than bytes", b -> b.setPageCount(3)),
                wrong("fewer pages than bytes", b -> b.setPageCount(1)),
                wrong("half a page", b -> b.setData(ByteString.copyFrom(new byte[100]))),
                wrong("block that does not exist", b -> b.setBlock(9)),
                wrong("damaged bytes of a small block", b -> b.setBlock(1).setCrc32C(1)),
                wrong("batch out of order", b -> b.setSequence(5)),
                wrong("batch again", b -> b.setSequence(0)),
                wrong("another migration", b -> b.setMigration(78)),
                wrong("another epoch", b -> b.setEpoch(2)));
    }

    private static <T> StreamObserver<T> observer(Consumer<T> onNext, CompletableFuture<Status> end) {
        return new StreamObserver<>() {
            @Override
            public void onNext(T value) {
                onNext.accept(value);
            }

            @Override
            public void onError(Throwable t) {
                end.complete(Status.fromThrowable(t));
            }

            @Override
            public void onCompleted() {
                end.complete(Status.OK);
            }
        };
    }

    private Status sendBulk(PageBatch... batches) throws Exception {
        CompletableFuture<Status> end = new CompletableFuture<>();
        StreamObserver<PageBatch> out = PageServiceGrpc.newStub(channel).bulk(observer((BulkAck ack) -> {}, end));
        for (PageBatch batch : batches) {
            out.onNext(batch);
        }
        return end.get(10, TimeUnit.SECONDS);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("wrongBatches")
    void shouldRefuseAndCountAndFailClosed(String what, UnaryOperator<PageBatch.Builder> change) throws Exception {
        Status status = sendBulk(header().build(), change.apply(good()).build());
        assertThat(status.getCode()).as(status.toString()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(guest.memory).containsOnly(0);
        MigrationRecord record = destinations.records().get(0);
        assertThat(record.snapshot().refusedMessages()).isEqualTo(1);
        assertFenced();
    }

    private void assertFenced() {
        destinations.sweep();
        assertThat(guest.calls).contains("fence").doesNotContain("cont");
        assertThat(destinations.commit(ID, 1).fenced()).isTrue();
        assertThat(destinations.records().get(0).state()).isEqualTo(MigrationState.FAILED);
        assertThat(journal.history).contains("DESTINATION FENCED").doesNotContain("DESTINATION COMMITTED");
    }

    @Test
    void shouldTakeTheRightOne() throws Exception {
        CompletableFuture<Long> placed = new CompletableFuture<>();
        StreamObserver<PageBatch> out = PageServiceGrpc.newStub(channel)
                .bulk(observer(
                        ack -> {
                            if (ack.getSequence() == 1) {
                                placed.complete(ack.getSequence());
                            }
                        },
                        new CompletableFuture<>()));
        out.onNext(header().build());
        out.onNext(good().setAcknowledge(true).build());
        assertThat(placed.get(10, TimeUnit.SECONDS)).isEqualTo(1);
        assertThat(guest.memory[3 * PAGE]).isEqualTo((byte) 7);
    }

    /** Bad luck, not a wrong message: asked for again as soon as the guest stands, and again when that comes damaged too. */
    @Test
    void shouldFetchAgainWhatCameDamaged() throws Exception {
        BlockingQueue<PageRequest> asked = new LinkedBlockingQueue<>();
        CompletableFuture<Status> end = new CompletableFuture<>();
        StreamObserver<PageBatch> demand = PageServiceGrpc.newStub(channel).demand(observer(asked::add, end));
        demand.onNext(header().build());
        assertThat(asked.poll(10, TimeUnit.SECONDS).getPageCount())
                .as("the header")
                .isZero();
        assertThat(sendAndAwait(good().setCrc32C(1)).getSequence()).isEqualTo(1);
        assertThat(guest.memory).containsOnly(0);
        assertThat(asked).as("an answer could be older than what comes next").isEmpty();
        MigrationRecord record = destinations.records().get(0);
        assertThat(record.snapshot().damagedMessages()).isEqualTo(1);
        assertThat(record.snapshot().refusedMessages()).isZero();

        guest.arrival.arm();
        assertThat(asked.poll(10, TimeUnit.SECONDS).getFirstPage()).isEqualTo(3);
        assertThat(asked.poll(10, TimeUnit.SECONDS).getFirstPage()).isEqualTo(4);
        demand.onNext(good().setCrc32C(1).build());
        assertThat(asked.poll(10, TimeUnit.SECONDS).getFirstPage()).isEqualTo(3);
        assertThat(asked.poll(10, TimeUnit.SECONDS).getFirstPage()).isEqualTo(4);
        demand.onNext(good().build());
        Awaitility.await().until(() -> guest.mapped.get(3) && guest.mapped.get(4));
        assertThat(guest.memory[3 * PAGE]).isEqualTo((byte) 7);
        assertThat(record.snapshot().damagedMessages()).isEqualTo(2);
        assertThat(end).isNotDone();
        demand.onCompleted();
    }

    @Test
    void shouldNotLeaveAnOlderVersionOfAPageThatCameDamaged() throws Exception {
        sendAndAwait(good());
        assertThat(guest.arrival.missingPages()).isEqualTo(62);
        sendAndAwait(good().setCrc32C(1));
        assertThat(guest.arrival.missingPages()).isEqualTo(64);
    }

    @Test
    void shouldFailClosedWhenMessagesAreDamagedAgainAndAgain() throws Exception {
        for (int i = 1; i < DamagedMessages.IN_A_ROW; i++) {
            sendAndAwait(good().setCrc32C(1));
        }
        sendAndAwait(good());
        for (int i = 1; i < DamagedMessages.IN_A_ROW; i++) {
            sendAndAwait(good().setCrc32C(1));
        }
        Status status = sendBulk(header().build(), good().setCrc32C(1).build());
        assertThat(status.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(status.getDescription()).contains("checksum");
        assertThat(destinations.records().get(0).snapshot().damagedMessages())
                .isEqualTo(2L * DamagedMessages.IN_A_ROW - 1);
        assertFenced();
    }

    /** On a stream of its own, as after a reconnect. */
    private BulkAck sendAndAwait(PageBatch.Builder batch) throws Exception {
        CompletableFuture<BulkAck> placed = new CompletableFuture<>();
        StreamObserver<PageBatch> out = PageServiceGrpc.newStub(channel)
                .bulk(observer(
                        ack -> {
                            if (ack.getSequence() == 1) {
                                placed.complete(ack);
                            }
                        },
                        new CompletableFuture<>()));
        out.onNext(header().build());
        out.onNext(batch.setAcknowledge(true).build());
        BulkAck ack = placed.get(10, TimeUnit.SECONDS);
        out.onCompleted();
        return ack;
    }

    @Test
    void shouldRefuseAPageThatNobodyAskedFor() throws Exception {
        CompletableFuture<Status> end = new CompletableFuture<>();
        StreamObserver<PageBatch> out =
                PageServiceGrpc.newStub(channel).demand(observer((PageRequest request) -> {}, end));
        out.onNext(header().build());
        out.onNext(good().build());
        Status status = end.get(10, TimeUnit.SECONDS);
        assertThat(status.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(status.getDescription()).contains("never asked for");
        assertThat(guest.memory).containsOnly(0);
        assertFenced();
    }

    @Test
    void shouldRefuseAStreamOfAMigrationThatDoesNotExist() throws Exception {
        assertThat(sendBulk(header().setMigration(1).build()).getCode()).isEqualTo(Status.Code.NOT_FOUND);
        assertThat(sendBulk(header().setEpoch(9).build()).getCode()).isEqualTo(Status.Code.ABORTED);
    }

    @Test
    void shouldRefuseAMessageThatIsTooLarge() throws Exception {
        Status status = sendBulk(
                header().build(),
                header().setData(ByteString.copyFrom(new byte[65 << 20])).build());
        assertThat(status.getCode()).isIn(Status.Code.RESOURCE_EXHAUSTED, Status.Code.CANCELLED);
        assertThat(guest.memory).containsOnly(0);
    }

    @Test
    void shouldRefuseASwitchThatWouldLosePages() {
        SwitchoverRequest request = SwitchoverRequest.newBuilder()
                .setMigration(ID)
                .setEpoch(1)
                .setBulkSequence(3)
                .build();
        assertThatThrownBy(() -> PeerServiceGrpc.newBlockingStub(channel).switchover(request))
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessageContaining("would lose pages");
        assertThat(guest.calls).isEmpty();
    }

    @Test
    void shouldRefuseAnotherProtocolVersion() {
        assertThatThrownBy(() -> PeerServiceGrpc.newBlockingStub(channel)
                        .hello(HelloRequest.newBuilder()
                                .setProtocolVersion(2)
                                .setFerryVersion("9.9")
                                .build()))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION))
                .hasMessageContaining("same release");
    }
}
