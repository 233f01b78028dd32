package dev.ferry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ferry.migration.MigrationState;
import dev.ferry.v1.Migration;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A client that does not read. */
@Timeout(30)
class WatchTest {
    private final FakeMigrations migrations = new FakeMigrations();
    private final Watches watches = new Watches(migrations);
    private final SlowClient client = new SlowClient();

    @BeforeEach
    void watch() {
        watches.add(Snapshots.ID, 50, client);
        Awaitility.await().until(() -> migrations.listeners.size() == 1);
    }

    @AfterEach
    void end() {
        watches.close();
    }

    @Test
    void shouldSendASlowClientTheNewestOnly() {
        migrations.become(MigrationState.PRECOPY);
        migrations.become(MigrationState.SWITCHOVER);
        migrations.become(MigrationState.COMPLETED);
        assertThat(client.states).isEmpty();

        client.read();
        Awaitility.await().until(() -> client.states.size() == 2);
        assertThat(client.states).containsExactly("COMPLETED", "end");
        assertThat(migrations.listeners).isEmpty();
    }

    @Test
    void shouldLeaveWithASlowClient() {
        client.onCancel.run();
        Awaitility.await().until(migrations.listeners::isEmpty);
        client.read();
        watches.close();
        assertThat(client.states).isEmpty();
    }

    @Test
    void shouldNotMindWhatIsToldAfterTheEnd() {
        watches.close();
        assertThat(client.states).containsExactly("error");
        client.read();
        client.onCancel.run();
        migrations.become(MigrationState.PRECOPY);
        assertThat(client.states).containsExactly("error");
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
