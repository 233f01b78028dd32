package dev.ferry.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class StopSignalTest {
    private final List<String> done = new CopyOnWriteArrayList<>();
    private final StopSignal signal = new StopSignal(code -> done.add("halt " + code));
    private final Thread hook = new Thread(signal::stop);

    @Test
    void shouldCloseWhatRuns() throws InterruptedException {
        signal.started(() -> done.add("close"));
        assertThat(done).isEmpty();
        hook.start();
        hook.join();
        assertThat(done).containsExactly("close", "halt 0");
    }

    @Test
    void shouldGiveUpAStartAndCloseWhatItHasOpened() throws InterruptedException {
        signal.throwIfAsked();
        hook.start();
        Awaitility.await().until(signal::isAsked);
        assertThatThrownBy(signal::throwIfAsked).isInstanceOf(CancellationException.class);
        assertThat(done).isEmpty();

        signal.started(() -> done.add("close"));
        hook.join();
        assertThat(done).containsExactly("close", "halt 0");
    }

    @Test
    void shouldNotWaitForAStartThatWasGivenUp() throws InterruptedException {
        hook.start();
        Awaitility.await().until(signal::isAsked);
        signal.notStarted();
        hook.join();
        assertThat(done).containsExactly("halt 0");
    }
}
