package dev.ferry.api;

import io.grpc.stub.StreamObserver;
import java.util.function.Supplier;

/** One way for every unary call: its answer, or its error as a status. */
final class Calls {
    private Calls() {}

    /** @param what the call, for the log when it meets a bug */
    static <T> void answer(String what, StreamObserver<T> observer, Supplier<T> work) {
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
