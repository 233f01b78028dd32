package dev.ferry.api;

import dev.ferry.v1.EventServiceGrpc;
import dev.ferry.v1.WatchEventsRequest;
import dev.ferry.v1.WatchEventsResponse;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/** The call of EventService. */
final class EventCalls extends EventServiceGrpc.EventServiceImplBase {
    private static final long SHORTEST_INTERVAL_MS = 50;

    private final Watches watches;

    EventCalls(Watches watches) {
        this.watches = watches;
    }

    @Override
    public void watchEvents(WatchEventsRequest request, StreamObserver<WatchEventsResponse> observer) {
        String id;
        long intervalMs;
        try {
            id = request.getId().isEmpty() ? "" : Input.migration(request.getId());
            long said = Input.notNegative("progress_interval_ms", request.getProgressIntervalMs());
            intervalMs = said == 0 ? 0 : Math.max(said, SHORTEST_INTERVAL_MS);
        } catch (RuntimeException e) {
            observer.onError(ApiStatus.of("WatchEvents", e));
            return;
        }
        watches.addEvents(
                id, request.getResumeToken(), intervalMs, (ServerCallStreamObserver<WatchEventsResponse>) observer);
    }
}
