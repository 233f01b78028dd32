package dev.ferry.client;

import io.grpc.Status;

/** What the process ends with. Scripts depend on these. */
final class ExitCode {
    static final int DONE = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;

    private static final int RPC = 64;

    private ExitCode() {}

    static int of(Status.Code code) {
        return RPC + code.value();
    }
}
