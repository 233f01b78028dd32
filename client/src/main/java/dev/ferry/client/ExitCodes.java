package dev.ferry.client;

import io.grpc.Status;

/** What the command ends with; scripts rely on these. */
final class ExitCodes {
    static final int DONE = 0;
    static final int MIGRATION_FAILED = 1;
    static final int USAGE = 2;
    private static final int RPC = 64;

    private ExitCodes() {}

    /** 64 + the gRPC code. */
    static int of(Status status) {
        return RPC + status.getCode().value();
    }
}
