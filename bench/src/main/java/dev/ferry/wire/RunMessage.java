package dev.ferry.wire;

import dev.ferry.migration.PageRuns;

/** Runs of pages as they go over the wire, for the benchmark. */
public final class RunMessage {
    private RunMessage() {}

    /** Writes the message and reads it back, as the two sides do; its size in bytes. */
    public static int roundTrip(PageRuns runs) {
        byte[] bytes = PeerMessages.toProto(runs).toByteArray();
        try {
            PeerMessages.fromProto(dev.ferry.v1.PageRuns.parseFrom(bytes));
        } catch (com.google.protobuf.InvalidProtocolBufferException e) {
            throw new IllegalStateException(e);
        }
        return bytes.length;
    }
}
