package dev.ferry.wire;

import dev.ferry.memory.RunList;
import java.nio.ByteBuffer;

/**
 * A PageBatch or PageRequest message, read and written by hand. Mutable and reused: it belongs to the thread that fills it,
 * and its data is only good until that thread reads or sends the next one.
 */
final class PageFrame {
    /** What is wrong with a received message; null: nothing. */
    String malformed;

    long migration;
    long epoch;
    int block;
    final RunList runs = new RunList();
    long sequence;
    int crc32c;
    boolean acknowledge;

    /** Direct; the page bytes begin at index {@link #dataIndex}. */
    ByteBuffer data;

    int dataIndex;
    int dataLength;
}
