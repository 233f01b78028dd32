package dev.ferry.client;

import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.MigrationServiceGrpc;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import java.util.concurrent.TimeUnit;

/** One connection to ferryd. */
final class Session implements AutoCloseable {
    private static final long CALL_SECONDS = 120;
    private final ManagedChannel channel;

    Session(Endpoint endpoint) {
        channel = endpoint.channel();
    }

    MigrationServiceGrpc.MigrationServiceBlockingStub migrations() {
        return MigrationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
    }

    GuestServiceGrpc.GuestServiceBlockingStub guests() {
        return GuestServiceGrpc.newBlockingStub(channel).withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
    }

    /** For calls without a deadline: a move takes as long as it takes. */
    Channel channel() {
        return channel;
    }

    /** The next call connects at once, however long grpc would still wait after failures. */
    void reconnect() {
        channel.resetConnectBackoff();
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
