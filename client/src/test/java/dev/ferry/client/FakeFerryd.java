package dev.ferry.client;

import dev.ferry.v1.AttachGuestRequest;
import dev.ferry.v1.CancelRequest;
import dev.ferry.v1.CheckRequest;
import dev.ferry.v1.CheckResponse;
import dev.ferry.v1.DaemonServiceGrpc;
import dev.ferry.v1.DetachGuestRequest;
import dev.ferry.v1.GetReportRequest;
import dev.ferry.v1.GetRequest;
import dev.ferry.v1.GetStatusRequest;
import dev.ferry.v1.GetStatusResponse;
import dev.ferry.v1.Guest;
import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.ListGuestsRequest;
import dev.ferry.v1.ListGuestsResponse;
import dev.ferry.v1.ListRequest;
import dev.ferry.v1.ListResponse;
import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.Report;
import dev.ferry.v1.ResumeRequest;
import dev.ferry.v1.RollbackRequest;
import dev.ferry.v1.RunGuestRequest;
import dev.ferry.v1.SetLimitsRequest;
import dev.ferry.v1.ShowGuestRequest;
import dev.ferry.v1.StartRequest;
import dev.ferry.v1.SwitchToPostcopyRequest;
import dev.ferry.v1.WatchRequest;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** A real gRPC server on a real unix socket, whose answers a test sets and whose requests it reads. */
final class FakeFerryd implements AutoCloseable {
    final Path socket;
    final List<Object> requests = new CopyOnWriteArrayList<>();
    volatile RuntimeException refusal;
    volatile CheckResponse checkResponse = CheckResponse.getDefaultInstance();
    volatile List<ListResponse> pages = List.of(ListResponse.getDefaultInstance());
    volatile Migration migration = Samples.precopy();
    volatile List<Guest> guests = List.of(Samples.guest());

    /** Where set, they decide what is answered to each request; what they throw is the answer. */
    volatile Function<CheckRequest, CheckResponse> check = r -> checkResponse;

    volatile Function<StartRequest, Migration> start = r -> migration;
    volatile Function<GetRequest, Migration> get = r -> migration;
    volatile Report report = Reports.source();
    /** What a Watch gets; it decides whether to end the stream. */
    volatile Consumer<StreamObserver<Migration>> watch = StreamObserver::onCompleted;

    private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private Server server;

    FakeFerryd(Path socket) throws IOException {
        this.socket = socket;
        start();
    }

    void start() throws IOException {
        server = NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(socket))
                .channelType(NioServerDomainSocketChannel.class)
                .bossEventLoopGroup(loop)
                .workerEventLoopGroup(loop)
                .addService(new Migrations())
                .addService(new Guests())
                .addService(new Daemon())
                .build()
                .start();
    }

    /** As a daemon that is killed. */
    void stop() throws IOException, InterruptedException {
        server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        Files.deleteIfExists(socket);
    }

    String endpoint() {
        return "unix:" + socket;
    }

    @SuppressWarnings("unchecked")
    <T> T request(Class<T> type) {
        return (T) requests.stream().filter(type::isInstance).findFirst().orElseThrow();
    }

    @Override
    public void close() throws Exception {
        stop();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
    }

    private <T> void answer(Object request, StreamObserver<T> observer, T answer) {
        answerBy(request, observer, () -> answer);
    }

    private <T> void answerBy(Object request, StreamObserver<T> observer, Supplier<T> answer) {
        requests.add(request);
        try {
            if (refusal != null) {
                throw refusal;
            }
            observer.onNext(answer.get());
            observer.onCompleted();
        } catch (RuntimeException e) {
            observer.onError(e);
        }
    }

    private final class Migrations extends MigrationServiceGrpc.MigrationServiceImplBase {
        @Override
        public void check(CheckRequest request, StreamObserver<CheckResponse> observer) {
            answerBy(request, observer, () -> check.apply(request));
        }

        @Override
        public void start(StartRequest request, StreamObserver<Migration> observer) {
            answerBy(request, observer, () -> start.apply(request));
        }

        @Override
        public void get(GetRequest request, StreamObserver<Migration> observer) {
            answerBy(request, observer, () -> get.apply(request));
        }

        @Override
        public void getReport(GetReportRequest request, StreamObserver<Report> observer) {
            answer(request, observer, report);
        }

        @Override
        public void list(ListRequest request, StreamObserver<ListResponse> observer) {
            int page = request.getPageToken().isEmpty() ? 0 : Integer.parseInt(request.getPageToken());
            answer(request, observer, pages.get(page));
        }

        @Override
        public void watch(WatchRequest request, StreamObserver<Migration> observer) {
            requests.add(request);
            if (refusal != null) {
                observer.onError(refusal);
            } else {
                watch.accept(observer);
            }
        }

        @Override
        public void switchToPostcopy(SwitchToPostcopyRequest request, StreamObserver<Migration> observer) {
            answer(request, observer, migration);
        }

        @Override
        public void setLimits(SetLimitsRequest request, StreamObserver<Migration> observer) {
            answer(request, observer, migration);
        }

        @Override
        public void rollback(RollbackRequest request, StreamObserver<Migration> observer) {
            answer(request, observer, migration);
        }

        @Override
        public void resume(ResumeRequest request, StreamObserver<Migration> observer) {
            answer(request, observer, migration);
        }

        @Override
        public void cancel(CancelRequest request, StreamObserver<Migration> observer) {
            answer(request, observer, migration);
        }
    }

    private final class Daemon extends DaemonServiceGrpc.DaemonServiceImplBase {
        @Override
        public void getStatus(GetStatusRequest request, StreamObserver<GetStatusResponse> observer) {
            answer(request, observer, Samples.status());
        }
    }

    private final class Guests extends GuestServiceGrpc.GuestServiceImplBase {
        @Override
        public void run(RunGuestRequest request, StreamObserver<Guest> observer) {
            answer(request, observer, Samples.guest());
        }

        @Override
        public void attach(AttachGuestRequest request, StreamObserver<Guest> observer) {
            answer(request, observer, Samples.guest());
        }

        @Override
        public void list(ListGuestsRequest request, StreamObserver<ListGuestsResponse> observer) {
            answer(
                    request,
                    observer,
                    ListGuestsResponse.newBuilder().addAllGuests(guests).build());
        }

        @Override
        public void show(ShowGuestRequest request, StreamObserver<Guest> observer) {
            answer(request, observer, Samples.guest());
        }

        @Override
        public void detach(DetachGuestRequest request, StreamObserver<Guest> observer) {
            answer(request, observer, Samples.guest());
        }
    }
}
