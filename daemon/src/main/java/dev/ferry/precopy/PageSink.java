package dev.ferry.precopy;

import dev.ferry.memory.RamBlock;
import dev.ferry.memory.RunList;
import java.nio.ByteBuffer;

/** Where bulk pages go. One thread at a time. Calls wait while too much is under way and throw when the peer is gone. */
public interface PageSink {
    /**
     * Sends one batch.
     *
     * @param data direct; from index 0 the pages of the runs that are not zero, in order. May be used again on return, like the runs
     */
    void send(RamBlock block, RunList runs, ByteBuffer data, int dataBytes);

    /** Returns when the destination has placed everything that was sent. */
    void awaitPlaced();

    /** Page data and headers given to the connection so far. */
    long bytesSent();
}
