package dev.ferry.precopy;

import dev.ferry.memory.RamBlock;
import java.nio.ByteBuffer;

/** Where bulk pages go. One thread at a time. Calls wait while too much is under way and throw when the peer is gone. */
public interface PageSink {
    /** Sends whole pages from index 0 of the buffer, which may be used again on return. */
    void send(RamBlock block, long firstPage, int pages, ByteBuffer data);

    /** These pages are all zero. */
    void sendZero(RamBlock block, long firstPage, long pages);

    /** Returns when the destination has placed everything that was sent. */
    void awaitPlaced();

    /** Page data and headers given to the connection so far. */
    long bytesSent();
}
