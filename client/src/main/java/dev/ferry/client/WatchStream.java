package dev.ferry.client;

import dev.ferry.v1.Migration;
import dev.ferry.v1.MigrationServiceGrpc;
import dev.ferry.v1.WatchRequest;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** One watch call. Unlike a blocking stub's iterator it can tell a silent peer from a busy one. */
final class WatchStream implements AutoCloseable {
    /** One thing that the call brought: a migration, or its end. */
    private record Event(Migration migration, Status end) {}

    private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final Answers answers = new Answers();

    WatchStream(Session session, WatchRequest request) {
        MigrationServiceGrpc.newStub(session.channel()).watch(request, answers);
    }

    /** Throws the call's status; UNAVAILABLE also for silence and for a stream that just stops. */
    Migration next(long timeoutNs) {
        Event event;
        try {
            event = events.poll(timeoutNs, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Status.CANCELLED.withDescription("interrupted").asRuntimeException();
        }
        if (event == null) {
            throw Status.UNAVAILABLE.withDescription("it is silent").asRuntimeException();
        }
        if (event.migration == null) {
            throw event.end.asRuntimeException();
        }
        return event.migration;
    }

    @Override
    public void close() {
        answers.call.cancel("not wanted any more", null);
    }

    private final class Answers implements ClientResponseObserver<WatchRequest, Migration> {
        private ClientCallStreamObserver<WatchRequest> call;

        @Override
        public void beforeStart(ClientCallStreamObserver<WatchRequest> stream) {
            call = stream;
        }

        @Override
        public void onNext(Migration m) {
            events.add(new Event(m, null));
        }

        @Override
        public void onError(Throwable t) {
            events.add(new Event(null, Status.fromThrowable(t)));
        }

        @Override
        public void onCompleted() {
            events.add(new Event(null, Status.UNAVAILABLE.withDescription("it ended the stream")));
        }
    }
}
