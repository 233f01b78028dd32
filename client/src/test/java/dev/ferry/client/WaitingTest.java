package dev.ferry.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.v1.Migration;
import dev.ferry.v1.StartRequest;
import dev.ferry.v1.WatchRequest;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class WaitingTest extends CommandTest {
    private static final Patience SHORT = new Patience(200, 5_000, 10);
    private static final String[] MIGRATE = {"migrate", "web1", "--to", "b:7420", "--wait"};

    private static Consumer<StreamObserver<Migration>> sends(Migration... migrations) {
        return observer -> {
            for (Migration m : migrations) {
                observer.onNext(m);
            }
            observer.onCompleted();
        };
    }

    @Test
    void shouldShowProgressOnStderrAndTheResultOnStdout() {
        ferryd.watch = sends(Samples.precopy(), Samples.postcopy(), Samples.completed());
        assertThat(ferry(MIGRATE)).isZero();
        assertThat(screen.out()).isEqualTo(Summary.of(Samples.completed()));
        assertThat(screen.err().lines()).hasSize(3);
        assertThat(screen.err()).contains("PRECOPY", "POSTCOPY", "COMPLETED");
        assertThat(ferryd.request(WatchRequest.class).getId()).isEqualTo(Samples.ID);
    }

    @Test
    void shouldPrintOneJsonDocument() {
        ferryd.watch = sends(Samples.precopy(), Samples.completed());
        assertThat(ferry("-o", "json", "watch", Samples.ID)).isZero();
        assertThat(screen.out()).isEqualTo(Json.of(Samples.completed()) + "\n");
    }

    @Test
    void shouldEndWith1AndTheWhereaboutsWhenItFailed() {
        ferryd.watch = sends(Samples.failed());
        assertThat(ferry(MIGRATE)).isEqualTo(ExitCode.FAILED);
        assertThat(screen.err())
                .contains("failed: connection to 10.0.0.2:7420 lost", "The guest is on the source, this host.");
        assertThat(screen.out()).contains("FAILED");
    }

    @Test
    void shouldEndWith1WhenItWasCancelled() {
        ferryd.watch = sends(Samples.precopy(), Samples.cancelled());
        assertThat(ferry("watch", Samples.ID)).isEqualTo(ExitCode.FAILED);
        assertThat(screen.err()).contains("was cancelled. The guest is on the source, this host.");
    }

    @Test
    void shouldNotWaitForWhatWasRefused() {
        ferryd.refusal =
                Status.ALREADY_EXISTS.withDescription("web1 is already moving").asRuntimeException();
        assertThat(ferry(MIGRATE)).isEqualTo(70);
        ferryd.refusal = Status.NOT_FOUND.withDescription("no such migration").asRuntimeException();
        assertThat(ferry("watch", Samples.ID)).isEqualTo(69);
    }

    @Test
    void shouldFailAtOnceWhenNoDaemonWasEverThere() throws Exception {
        ferryd.stop();
        assertThat(ferry("watch", Samples.ID)).isEqualTo(78);
        assertThat(screen.err()).contains("cannot reach ferryd").doesNotContain("trying again");
    }

    @Test
    void shouldGoOnAfterTheDaemonHasRestarted() throws Exception {
        ferryd.watch = observer -> {
            observer.onNext(Samples.precopy());
            ferryd.watch = sends(Samples.completed());
            new Thread(this::restart, "restart").start();
        };
        assertThat(ferry(new Patience(20_000, 20_000, 10), MIGRATE)).isZero();
        assertThat(screen.err()).containsSubsequence("PRECOPY", "lost ferryd (", "ferryd is back", "COMPLETED");
        assertThat(ferryd.requests.stream().filter(StartRequest.class::isInstance))
                .hasSize(1);
    }

    private void restart() {
        try {
            ferryd.stop();
            ferryd.start();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void shouldTryAgainWhenTheStreamEndsEarlyOrIsSilent() {
        Patience impatient = new Patience(10_000, 1_000, 10);
        ferryd.watch = observer -> {
            observer.onNext(Samples.precopy());
            observer.onCompleted();
            ferryd.watch = silent -> ferryd.watch = sends(Samples.completed());
        };
        assertThat(ferry(impatient, MIGRATE)).isZero();
        assertThat(screen.err())
                .containsOnlyOnce("lost ferryd (it ended the stream")
                .containsOnlyOnce("ferryd is back");
        assertThat(ferryd.requests.stream().filter(WatchRequest.class::isInstance))
                .hasSize(3);
    }

    @Test
    void shouldSayThatTheMigrationGoesOnWhenTheDaemonStaysAway() {
        ferryd.watch = observer -> observer.onError(
                Status.UNAVAILABLE.withDescription("ferryd is stopping").asRuntimeException());
        assertThat(ferry(SHORT, MIGRATE)).isEqualTo(78);
        assertThat(screen.err())
                .contains("ferryd is stopping", "Migration " + Samples.ID + " goes on without us")
                .contains("ferry watch " + Samples.ID);
        assertThat(screen.out()).isEmpty();
    }
}
