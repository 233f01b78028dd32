package dev.ferry.api;

import io.grpc.stub.StreamObserver;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One way for every unary call: its answer, or its error as a status. */
final class Calls {
    private static final Logger LOG = LoggerFactory.getLogger(Calls.class);

    private Calls() {}

    /** @param what the call, for the log when it meets a bug */
    static <T> void answer(String what, StreamObserver<T> observer, Supplier<T> work) {
        try {
            send(what, observer, work);
        } catch (RejectedExecutionException e) {
            LOG.debug("{}: answered after the daemon had closed its connections", what, e);
        }
    }

    private static <T> void send(String what, StreamObserver<T> observer, Supplier<T> work) {
        T answer;
        try {
            answer = work.get();
        } catch (RuntimeException e) {
            observer.onError(ApiStatus.of(what, e));
            return;
        }
        observer.onNext(answer);
        observer.onCompleted();
    }
}
