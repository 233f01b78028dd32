package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.base.NanoClock;
import dev.ferry.migration.MigrationState;
import dev.ferry.v1.Migration;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A client that does not read. */
@Timeout(30)
class WatchTest {
    private final FakeMigrations migrations = new FakeMigrations();
    private final SlowClient client = new SlowClient();
    private final Thread watch =
            new Thread(new Watch(migrations, Snapshots.ID, 50, NanoClock.system(), client), "watch-test");

    @Test
    void shouldSendASlowClientTheNewestOnly() throws InterruptedException {
        watch.start();
        Awaitility.await().until(() -> watch.getState() == Thread.State.WAITING);
        migrations.become(MigrationState.PRECOPY);
        migrations.become(MigrationState.SWITCHOVER);
        migrations.become(MigrationState.COMPLETED);
        assertThat(client.states).isEmpty();

        client.read();
        watch.join();
        assertThat(client.states).containsExactly("COMPLETED", "end");
    }

    @Test
    void shouldLeaveWithASlowClient() throws InterruptedException {
        watch.start();
        Awaitility.await().until(() -> watch.getState() == Thread.State.WAITING);
        client.onCancel.run();
        watch.join();
        assertThat(client.states).isEmpty();
    }

    private static final class SlowClient extends ServerCallStreamObserver<Migration> {
        final List<String> states = new CopyOnWriteArrayList<>();
        private Runnable onReady;
        private Runnable onCancel;
        private volatile boolean isReady;

        void read() {
            isReady = true;
            onReady.run();
        }

        @Override
        public boolean isReady() {
            return isReady;
        }

        @Override
        public void onNext(Migration m) {
            states.add(m.getState().name());
        }

        @Override
        public void onError(Throwable error) {
            states.add("error");
        }

        @Override
        public void onCompleted() {
            states.add("end");
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public void setOnCancelHandler(Runnable handler) {
            onCancel = handler;
        }

        @Override
        public void setOnReadyHandler(Runnable handler) {
            onReady = handler;
        }

        @Override
        public void setCompression(String compression) {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void request(int count) {}

        @Override
        public void setMessageCompression(boolean enable) {}
    }
}
