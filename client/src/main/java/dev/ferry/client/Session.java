package dev.ferry.client;

import dev.ferry.v1.GuestServiceGrpc;
import dev.ferry.v1.MigrationServiceGrpc;
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

    /** Without a deadline: a move takes as long as it takes. */
    MigrationServiceGrpc.MigrationServiceBlockingStub watching() {
        return MigrationServiceGrpc.newBlockingStub(channel);
    }

    GuestServiceGrpc.GuestServiceBlockingStub guests() {
        return GuestServiceGrpc.newBlockingStub(channel).withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
